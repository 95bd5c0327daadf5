namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The text console of an instance.</summary>
internal sealed class SerialChannel(SocketSession session, uint number, InstanceRef target, ConsoleOptions options) : ByteChannel(session, number, target)
{
    private readonly Lock _gate = new();
    private ConsoleSession? _console;
    private (int Columns, int Rows)? _size;

    /// <summary>Only the newest size counts; it is set as soon as the console is open.</summary>
    public override void Resize(int columns, int rows)
    {
        lock (_gate)
        {
            _size = (columns, rows);
            if (_console is { CanResize: true } console)
                _ = ResizeAsync(console, columns, rows);
        }
    }

    protected override async Task<string> WorkAsync(CancellationToken closing)
    {
        var backend = await Session.Services.Registry.GetAsync(Target.Backend, closing).ConfigureAwait(false);
        var console = await backend.Get<ISerialConsole>().OpenAsync(Target.Id, options, closing).ConfigureAwait(false);
        await using (console.ConfigureAwait(false))
        {
            (int Columns, int Rows)? size;
            lock (_gate)
                (_console, size) = (console, _size);
            try
            {
                await SendAsync("opened", json => json.WriteBoolean("canResize", console.CanResize), closing).ConfigureAwait(false);
                if (size is { } first && console.CanResize)
                    await ResizeAsync(console, first.Columns, first.Rows).ConfigureAwait(false);
                await CopyAsync(console, closing).ConfigureAwait(false);
                await console.Completion.WaitAsync(closing).ConfigureAwait(false);
            }
            finally
            {
                lock (_gate)
                    _console = null;
            }
        }

        return "the console has ended";
    }

    private static async Task ResizeAsync(ConsoleSession console, int columns, int rows)
    {
        try
        {
            await console.ResizeAsync(columns, rows, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is HypervisorException or ObjectDisposedException)
        {
            // A size that came too late or is not taken changes how the text is laid out, nothing else.
        }
    }
}
