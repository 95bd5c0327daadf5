using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Hypervisor.Sdk.Transport;

/// <summary>Sends to a socket. The runtime tries the call at once and waits only when the socket is full.</summary>
internal sealed class SocketWriter : ConnectionWriter, IDisposable
{
    private readonly Socket _socket;
    private readonly SendArguments _arguments;

    public SocketWriter(Connection connection, Socket socket, int segmentBytes)
        : base(connection, segmentBytes)
    {
        _socket = socket;
        _arguments = new SendArguments(this);
    }

    public void Dispose() => _arguments.Dispose();

    protected override bool TrySend(ReadOnlyMemory<byte> memory, out int bytes, out Exception? error)
    {
        bytes = 0;
        error = null;
        try
        {
            // The socket only reads from it.
            _arguments.SetBuffer(MemoryMarshal.AsMemory(memory));
            if (_socket.SendAsync(_arguments))
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

    protected override ValueTask EndSendingAsync()
    {
        _socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }

    private static SocketException? Error(SocketAsyncEventArgs arguments) =>
        arguments.SocketError == SocketError.Success ? null : new SocketException((int)arguments.SocketError);

    private sealed class SendArguments(SocketWriter writer) : SocketAsyncEventArgs(true)
    {
        protected override void OnCompleted(SocketAsyncEventArgs e) => writer.OnSent(BytesTransferred, Error(this));
    }
}
