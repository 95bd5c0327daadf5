using System.IO.Pipelines;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A channel to something that may have a terminal, whose size is the client's.</summary>
internal abstract class TerminalChannel(SocketSession session, uint number, InstanceRef target) : ByteChannel(session, number, target)
{
    private readonly Lock _gate = new();
    private Func<int, int, CancellationToken, ValueTask>? _resize;
    private (int Columns, int Rows)? _size;

    /// <summary>Only the newest size counts; it is set as soon as the terminal is open.</summary>
    public override void Resize(int columns, int rows)
    {
        lock (_gate)
        {
            _size = (columns, rows);
            if (_resize is { } resize)
                _ = ResizeAsync(resize, columns, rows);
        }
    }

    /// <summary>Tells the client that it is open, and copies both ways until one of them ends.</summary>
    /// <param name="ends">What is read and typed to.</param>
    /// <param name="resize">Gives the terminal another size; null where it has none.</param>
    /// <param name="closing">Ends it.</param>
    protected async Task CopyAsync(IDuplexPipe ends, Func<int, int, CancellationToken, ValueTask>? resize, CancellationToken closing)
    {
        (int Columns, int Rows)? size;
        lock (_gate)
            (_resize, size) = (resize, _size);
        try
        {
            await SendAsync("opened", json => json.WriteBoolean("canResize", resize is not null), closing).ConfigureAwait(false);
            if (size is { } first && resize is not null)
                await ResizeAsync(resize, first.Columns, first.Rows).ConfigureAwait(false);
            await CopyAsync(ends, closing).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                _resize = null;
        }
    }

    private static async Task ResizeAsync(Func<int, int, CancellationToken, ValueTask> resize, int columns, int rows)
    {
        try
        {
            await resize(columns, rows, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is HypervisorException or ObjectDisposedException)
        {
            // A size that came too late or is not taken changes how the text is laid out, nothing else.
        }
    }
}
