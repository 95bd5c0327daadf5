using System.IO.Pipelines;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A command in an instance, on a terminal.</summary>
internal sealed class CommandChannel(SocketSession session, uint number, InstanceRef target, CommandSpec spec) : ByteChannel(session, number, target)
{
    /// <summary>What the terminal at the other end of a socket is taken for.</summary>
    public const string TerminalType = "xterm-256color";

    private readonly Lock _gate = new();
    private ExecSession? _running;
    private (int Columns, int Rows)? _size;

    /// <summary>Only the newest size counts; it is set as soon as the command runs.</summary>
    public override void Resize(int columns, int rows)
    {
        lock (_gate)
        {
            _size = (columns, rows);
            if (_running is { CanResize: true } running)
                _ = ResizeAsync(running, columns, rows);
        }
    }

    protected override async Task<string> WorkAsync(CancellationToken closing)
    {
        var backend = await Session.Services.Registry.GetAsync(Target.Backend, closing).ConfigureAwait(false);
        var running = await backend.Get<IExec>().StartAsync(Target.Id, spec, closing).ConfigureAwait(false);
        await using (running.ConfigureAwait(false))
        {
            (int Columns, int Rows)? size;
            lock (_gate)
                (_running, size) = (running, _size);
            try
            {
                await SendAsync("opened", json => json.WriteBoolean("canResize", running.CanResize), closing).ConfigureAwait(false);
                if (size is { } first && running.CanResize)
                    await ResizeAsync(running, first.Columns, first.Rows).ConfigureAwait(false);
                await CopyAsync(new Ends(running), closing).ConfigureAwait(false);
            }
            finally
            {
                lock (_gate)
                    _running = null;
            }

            return running.ExitCode is { } code ? $"the command has ended with {code}" : "the command was ended by a signal";
        }
    }

    private static async Task ResizeAsync(ExecSession running, int columns, int rows)
    {
        try
        {
            await running.ResizeAsync(columns, rows, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is HypervisorException or ObjectDisposedException)
        {
            // A size that came too late or is not taken changes how the text is laid out, nothing else.
        }
    }

    /// <summary>The command's two ends.</summary>
    private sealed class Ends(ExecSession running) : IDuplexPipe
    {
        public PipeReader Input { get; } = PipeReader.Create(new CommandStream(running));

        public PipeWriter Output { get; } = PipeWriter.Create(new CommandStream(running));
    }

    /// <summary>A terminal's output to its end, and what is typed to it.</summary>
    private sealed class CommandStream(ExecSession running) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => (await running.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)).Count;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await running.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (HypervisorException failure) when (failure.Code == ErrorCode.InvalidState)
            {
                // It has ended meanwhile: what is typed reaches nobody, and the end is what its output says.
            }
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
