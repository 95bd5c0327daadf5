using System.IO.Pipelines;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A command in an instance, on a terminal.</summary>
internal sealed class CommandChannel(SocketSession session, uint number, InstanceRef target, CommandSpec spec) : TerminalChannel(session, number, target)
{
    /// <summary>What the terminal at the other end of a socket is taken for.</summary>
    public const string TerminalType = "xterm-256color";

    protected override async Task<string> WorkAsync(CancellationToken closing)
    {
        var backend = await Session.Services.Registry.GetAsync(Target.Backend, closing).ConfigureAwait(false);
        var running = await backend.Get<IExec>().StartAsync(Target.Id, spec, closing).ConfigureAwait(false);
        await using (running.ConfigureAwait(false))
        {
            await CopyAsync(new Ends(running), running.CanResize ? running.ResizeAsync : null, closing).ConfigureAwait(false);
            return running.ExitCode is { } code ? $"the command has ended with {code}" : "the command was ended by a signal";
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
