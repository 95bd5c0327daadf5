using Hypervisor.Sdk.Remote.Calls;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>A command that runs in a guest over there. Each message begins with the output that it is of.</summary>
internal sealed class RemoteExecSession(RemoteSession session) : ExecSession
{
    private ReadOnlyMemory<byte> _rest;
    private ExecChannel _channel;
    private int? _exitCode;

    public override bool CanSignal { get; } = session.Opened.Next<bool>();

    public override bool CanResize { get; } = session.Opened.Next<bool>();

    public override int? ExitCode => _exitCode;

    public override async ValueTask<ExecRead> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_rest.IsEmpty)
        {
            if (await session.ReceiveAsync(cancellationToken).ConfigureAwait(false) is not { } message)
            {
                var end = await session.EndedAsync(cancellationToken).ConfigureAwait(false);
                _exitCode ??= end?.Find<int?>();
                return new ExecRead(ExecChannel.End, 0);
            }

            if (message.Length == 0 || message[0] > (byte)ExecChannel.StandardError)
                throw new BackendProtocolException("The output of a command does not say whether it is output or error.", ErrorCode.Unspecified, RequestOutcome.Unknown) { Backend = session.Calls.Backend };
            _channel = (ExecChannel)message[0];
            _rest = message.AsMemory(1);
        }

        int bytes = Math.Min(buffer.Length, _rest.Length);
        _rest[..bytes].CopyTo(buffer);
        _rest = _rest[bytes..];
        return new ExecRead(_channel, bytes);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken = default) => session.SendAsync(input, cancellationToken);

    public override ValueTask CompleteInputAsync(CancellationToken cancellationToken = default) => session.EndInputAsync();

    public override async ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default) =>
        await session.Change("exec.resize").With(columns).With(rows).SendAsync(cancellationToken).ConfigureAwait(false);

    public override async ValueTask SignalAsync(SignalName signal, CancellationToken cancellationToken = default) =>
        await session.Change("exec.signal").With(signal).SendAsync(cancellationToken).ConfigureAwait(false);

    public override ValueTask DisposeAsync() => session.DisposeAsync();
}
