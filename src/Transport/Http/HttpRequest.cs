using System.Net.Http;
using System.Text;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>A request prepared once and sent as often as wanted: method, target and headers are validated and encoded when it is made. Immutable, for any number of threads and pools.</summary>
public sealed class HttpRequest
{
    private readonly byte[] _line;
    private readonly byte[] _headers;
    private readonly string? _upgrade;

    /// <summary>Prepares a request.</summary>
    /// <param name="method">The method; not CONNECT.</param>
    /// <param name="target">What it is for.</param>
    /// <param name="headers">Its headers, in their order. Those that frame the message are the client's own.</param>
    public HttpRequest(HttpMethod method, HttpTarget target, params IReadOnlyList<HttpHeader> headers)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(headers);
        if (method == HttpMethod.Connect)
            throw new ArgumentException("CONNECT is for proxies: it is not supported.", nameof(method));
        Method = method;
        Target = target;
        _line = Encoding.ASCII.GetBytes($"{method.Method} {target.Value} HTTP/1.1\r\n");
        _headers = [.. headers.SelectMany(header => header.Encoded)];
        IsHead = method == HttpMethod.Head;
        IsIdempotent = IsHead || method == HttpMethod.Get || method == HttpMethod.Put || method == HttpMethod.Delete || method == HttpMethod.Options || method == HttpMethod.Trace;
        NeedsLength = method == HttpMethod.Post || method == HttpMethod.Put || method == HttpMethod.Patch;
    }

    /// <summary>The method.</summary>
    public HttpMethod Method { get; }

    /// <summary>What it is for.</summary>
    public HttpTarget Target { get; }

    /// <summary>Its own time-outs, or null for those of the pool. Default: null.</summary>
    public HttpTimeouts? Timeouts
    {
        get;
        init
        {
            value?.Validate();
            field = value;
        }
    }

    /// <summary>
    /// Doing it twice is as doing it once: where a connection is lost before a response, it is repeated on another one. Default: what its method says (RFC 9110, 9.2.2); servers whose <c>PUT</c> or <c>DELETE</c> begin something are
    /// told otherwise by false.
    /// </summary>
    public bool IsIdempotent { get; init; }

    /// <summary>
    /// The protocol to change to (<c>Upgrade</c>, RFC 9110, 7.8), for example <c>tcp</c>, or null for none. When the server agrees the response has the status 101, and
    /// <see cref="HttpResponse.TakeConnection"/> gives the connection. Default: null.
    /// </summary>
    public string? Upgrade
    {
        get => _upgrade;
        init
        {
            if (value is not null && !value.Split('/').All(HttpHeader.IsToken))
                throw new ArgumentException("The protocol to upgrade to is not a token.", nameof(value));
            _upgrade = value;
            UpgradeHeaders = value is null ? [] : Encoding.ASCII.GetBytes($"Connection: Upgrade\r\nUpgrade: {value}\r\n");
        }
    }

    internal ReadOnlySpan<byte> Line => _line;

    internal ReadOnlySpan<byte> Headers => _headers;

    internal byte[] UpgradeHeaders { get; private init; } = [];

    internal bool IsHead { get; }


    /// <summary>A server may expect a body: without one it is told so (RFC 9110, 8.6).</summary>
    internal bool NeedsLength { get; }

    /// <summary>The method and the path; a query may hold secrets.</summary>
    public override string ToString() => $"{Method} {Target}";
}
