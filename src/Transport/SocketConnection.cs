using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Transport;

/// <summary>A connection straight on a socket: each direction has one set of operation arguments, used again for every call.</summary>
internal sealed class SocketConnection : Connection
{
    private readonly Socket _socket;
    private readonly ConnectionReader _reader;
    private readonly SocketWriter _writer;

    public SocketConnection(Socket socket, string endpoint, ConnectionOptions options)
        : base(endpoint)
    {
        _socket = socket;
        _reader = options.OwnThread ? new ThreadReader(this, socket, options.SegmentBytes) : new SocketReader(this, socket, options.SegmentBytes);
        _writer = new SocketWriter(this, socket, options.SegmentBytes);
    }

    internal Socket Socket => _socket;

    public override PipeReader Input => _reader;

    public override PipeWriter Output => _writer;

    [SupportedOSPlatform("linux")]
    public override void SendFile(SafeHandle file, byte marker)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (_socket.AddressFamily != AddressFamily.Unix)
            base.SendFile(file, marker);
        DescriptorPassing.Send(_socket, file, marker);
    }

    private protected override void ReleaseTransport()
    {
        // Pending operations end with an error on a thread of the pool, or of the reader; their arguments free themselves then.
        ((IDisposable)_reader).Dispose();
        _writer.Dispose();
        _socket.Dispose();
    }
}
