using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Transport;

/// <summary>A connection over a stream that is a socket's, TLS, or somebody's own.</summary>
internal sealed class StreamConnection : Connection
{
    private readonly Stream _stream;
    private readonly IDisposable? _socket;
    private readonly StreamInput _input;
    private readonly StreamOutput _output;

    /// <summary>Owns the stream, and the socket beneath it if there is one: disposing the socket first ends what is pending without waiting for a peer.</summary>
    public StreamConnection(Stream stream, IDisposable? socket, string endpoint, ConnectionOptions options, Func<ValueTask> end)
        : base(endpoint)
    {
        _stream = stream;
        _socket = socket;
        _input = new StreamInput(this, options.SegmentBytes, ReadAsync);
        _output = new StreamOutput(this, options.SegmentBytes, WriteAsync, end);
    }

    public override PipeReader Input => _input;

    public override PipeWriter Output => _output;

    private protected override void ReleaseTransport()
    {
        _socket?.Dispose();
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // A stream that buffers may try to write its rest: the connection is closed already and has its reason.
        }
    }

    private ValueTask<int> ReadAsync(Memory<byte> memory) => _stream.ReadAsync(memory, CancellationToken.None);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteAsync(ReadOnlyMemory<byte> memory)
    {
        await _stream.WriteAsync(memory, CancellationToken.None).ConfigureAwait(false);
        await _stream.FlushAsync(CancellationToken.None).ConfigureAwait(false);
    }
}
