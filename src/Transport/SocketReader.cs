using System.Net.Sockets;

namespace Hypervisor.Sdk.Transport;

/// <summary>Receives from a socket.</summary>
internal sealed class SocketReader : ConnectionReader, IDisposable
{
    private readonly Socket _socket;
    private readonly ReceiveArguments _arguments;

    public SocketReader(Connection connection, Socket socket, int segmentBytes)
        : base(connection, segmentBytes)
    {
        _socket = socket;
        _arguments = new ReceiveArguments(this);
    }

    public void Dispose() => _arguments.Dispose();

    protected override bool TryReceive(Memory<byte> memory, out int bytes, out Exception? error)
    {
        bytes = 0;
        error = null;
        try
        {
            _arguments.SetBuffer(memory);
            if (_socket.ReceiveAsync(_arguments))
                return false;
        }
        catch (Exception exception) when (exception is ObjectDisposedException or InvalidOperationException or SocketException)
        {
            error = exception;
            return true;
        }

        bytes = _arguments.BytesTransferred;
        error = Error(_arguments);
        return true;
    }

    private static SocketException? Error(SocketAsyncEventArgs arguments) =>
        arguments.SocketError == SocketError.Success ? null : new SocketException((int)arguments.SocketError);

    // The continuation's context is the awaiter's affair, not the operation's.
    private sealed class ReceiveArguments(SocketReader reader) : SocketAsyncEventArgs(true)
    {
        protected override void OnCompleted(SocketAsyncEventArgs e) => reader.OnReceived(BytesTransferred, Error(this));
    }
}
