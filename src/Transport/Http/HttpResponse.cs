using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// A response whose head is there. Dispose it: that gives its connection back to the pool, or closes it when the body was not received. Everything that it lends (headers, body) is
/// valid until then; afterwards its members throw <see cref="ObjectDisposedException"/>. Redirects are not followed: a status of 3xx is an answer like others, and credentials go nowhere.
/// </summary>
public readonly struct HttpResponse : IAsyncDisposable, IEquatable<HttpResponse>
{
    private readonly HttpExchange _exchange;
    private readonly int _generation;

    internal HttpResponse(HttpExchange exchange, int generation)
    {
        _exchange = exchange;
        _generation = generation;
    }

    /// <summary>The status code: 101, or 200 to 999.</summary>
    public int Status => Connection.Head.Status;

    /// <summary>The status is 200 to 299.</summary>
    public bool IsSuccess => Status is >= 200 and <= 299;

    /// <summary>The number of headers.</summary>
    public int HeaderCount => Connection.Head.Count;

    /// <summary>How many bytes the body has as it is sent, 0 when there is none, or null when the server did not say.</summary>
    public long? ContentLength => Connection.Body.AnnouncedBytes;

    private HttpConnection Connection => (_exchange ?? throw new InvalidOperationException("This is no response, but the default value.")).ConnectionOf(_generation);

    /// <summary>Looks a header up by its name, whatever the case, without allocating. Of several of the name it is the first.</summary>
    /// <param name="name">The name: <c>"ETag"u8</c>.</param>
    /// <param name="value">The value without the space around it; borrowed.</param>
    public bool TryGetHeader(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value) => Connection.Head.TryGet(name, out value);

    /// <summary>A header by its name as text, or null. Bytes beyond ASCII are read as Latin-1.</summary>
    public string? GetHeader(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return TryGetHeader(Encoding.ASCII.GetBytes(name), out ReadOnlySpan<byte> value) ? Encoding.Latin1.GetString(value) : null;
    }

    /// <summary>A header by its place, in the order of the head.</summary>
    /// <param name="index">0 to <see cref="HeaderCount"/> - 1.</param>
    /// <param name="name">The name as the server wrote it; borrowed.</param>
    /// <param name="value">The value; borrowed.</param>
    public void GetHeader(int index, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value) => Connection.Head.Get(index, out name, out value);

    /// <summary>The whole body, in the buffers that it was received in, without a copy where it has a length. Borrowed until the response is disposed. May be called again.</summary>
    /// <exception cref="HttpException">The body is larger than <see cref="HttpPoolOptions.MaxBodyBytes"/>, broken, or late, or the connection is lost.</exception>
    /// <exception cref="OperationCanceledException">The read was cancelled; nothing is lost, the next one goes on.</exception>
    public ValueTask<ReadOnlySequence<byte>> ReadSequenceAsync(CancellationToken cancellationToken = default)
    {
        HttpConnection connection = Connection;
        long maxBytes = _exchange.Pool.MaxBodyBytes;
        return HttpDecompression.CodingOf(connection, _exchange.Pool) is not null
            ? HttpDecompression.ReadWholeAsync(this, connection, maxBytes, cancellationToken)
            : connection.Body.ReadWholeAsync(maxBytes, cancellationToken);
    }

    /// <summary>The body as a pipe, of any length: a slow reader stops the server. Ends with the response.</summary>
    public PipeReader OpenPipe()
    {
        HttpConnection connection = Connection;
        return HttpDecompression.CodingOf(connection, _exchange.Pool) is { } coding
            ? PipeReader.Create(HttpDecompression.Open(new HttpBodyPipe(_exchange, _generation), coding, connection, _exchange.Pool))
            : new HttpBodyPipe(_exchange, _generation);
    }

    /// <summary>The body as a stream, of any length: a slow reader stops the server. Ends with the response.</summary>
    public Stream OpenStream() => OpenPipe().AsStream();

    /// <summary>Decodes the body as JSON while it arrives. No more is buffered than one token and what came with it.</summary>
    /// <param name="state">What <paramref name="read"/> fills.</param>
    /// <param name="read">Called with a reader over what has arrived: reads tokens until there are no more, and is called again. The values it sees are valid during the call.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <exception cref="JsonException">The body is not JSON.</exception>
    /// <exception cref="HttpException">A token is larger than <see cref="HttpPoolOptions.MaxBodyBytes"/>; the body is broken or late; the connection is lost.</exception>
    public async Task ReadJsonAsync<TState>(TState state, JsonTokens<TState> read, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(read);
        PipeReader body = OpenPipe();
        long maxTokenBytes = _exchange.Pool.MaxBodyBytes;
        var json = new JsonReaderState();
        while (true)
        {
            ReadResult result = await body.ReadAsync(cancellationToken).ConfigureAwait(false);
            SequencePosition consumed = Decode(result, ref json, state, read);
            if (result.Buffer.Slice(consumed).Length > maxTokenBytes)
                throw Connection.Explain(new HttpFault(HttpFailure.TooLarge, $"a JSON token has more than {maxTokenBytes} bytes"));
            body.AdvanceTo(consumed, result.Buffer.End);
            if (result.IsCompleted)
                return;
        }
    }

    /// <summary>
    /// The connection itself, when the request asked for an upgrade (<see cref="HttpRequest.Upgrade"/>) and the server has agreed (101), or has answered with a body that ends with the connection:
    /// what the server has sent beyond the head is its input. The caller owns it from now on; disposing the response leaves it alone.
    /// </summary>
    /// <exception cref="InvalidOperationException">The request asked for no upgrade, the response has a body of its own, or the connection was taken already.</exception>
    /// <exception cref="ConnectionClosedException">The connection is lost.</exception>
    public Connection TakeConnection() => Connection.Take();

    /// <summary>Gives the connection back. What little is left of the body is read away; after more, the connection is closed. May be called again.</summary>
    public ValueTask DisposeAsync() => _exchange?.End(_generation) is { } connection ? connection.EndAsync(_exchange) : default;

    /// <summary>The same response.</summary>
    public bool Equals(HttpResponse other) => _exchange == other._exchange && _generation == other._generation;

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is HttpResponse other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(_exchange, _generation);

    /// <summary>The same response.</summary>
    public static bool operator ==(HttpResponse left, HttpResponse right) => left.Equals(right);

    /// <summary>Another response.</summary>
    public static bool operator !=(HttpResponse left, HttpResponse right) => !left.Equals(right);

    private static SequencePosition Decode<TState>(in ReadResult result, ref JsonReaderState json, TState state, JsonTokens<TState> read)
    {
        var reader = new Utf8JsonReader(result.Buffer, result.IsCompleted, json);
        read(ref reader, state);
        json = reader.CurrentState;
        return reader.Position;
    }
}
