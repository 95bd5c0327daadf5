using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>
/// The client's side of a WebSocket (RFC 6455). One caller at a time receives; any number send, one after the other. Pings are answered while somebody receives. In steady state neither
/// direction allocates.
/// </summary>
public sealed partial class WebSocketConnection : IAsyncDisposable
{
    private const int MaxReasonBytes = WebSocketFrame.MaxControlBytes - 2;
    private const int NoCode = 1005;

    private readonly Connection _connection;
    private readonly WebSocketOptions _options;
    private readonly ITimer? _pinger;
    private readonly TaskCompletionSource _closeReceived = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WebSocketConnection(Connection connection, string? subProtocol, WebSocketOptions options)
    {
        _connection = connection;
        _options = options;
        SubProtocol = subProtocol;
        _input = connection.Input;
        _fragments = new BodyBuffer(FragmentSegmentBytes);
        _onInput = OnInput;
        _onFlushed = OnFlushed;
        _onControlFlushed = OnControlFlushed;
        if (options.PingInterval is { } interval)
            _pinger = options.TimeProvider.CreateTimer(static socket => ((WebSocketConnection)socket!).LookForSilence(), this, interval, interval);
    }

    /// <summary>The subprotocol that the server chose of those that were offered, or null.</summary>
    public string? SubProtocol { get; }

    /// <summary>The server, for messages.</summary>
    public string Endpoint => _connection.Endpoint;

    /// <summary>The connection beneath.</summary>
    public Connection Connection => _connection;

    /// <summary>Opens a WebSocket over a connection of the pool, which leaves the pool for it.</summary>
    /// <param name="pool">The server.</param>
    /// <param name="target">What to open.</param>
    /// <param name="options">Headers, subprotocols, limits; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels opening.</param>
    /// <exception cref="HttpException">The server did not agree (<see cref="HttpFailure.UpgradeRefused"/>), or there was no answer.</exception>
    /// <exception cref="ConnectException">No connection could be made.</exception>
    public static async Task<WebSocketConnection> ConnectAsync(
        HttpConnectionPool pool, HttpTarget target, WebSocketOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(target);
        options ??= new WebSocketOptions();
        options.Validate();
        (Connection connection, string? subProtocol) = await WebSocketHandshake.OpenAsync(pool, target, options, cancellationToken).ConfigureAwait(false);
        return new WebSocketConnection(connection, subProtocol, options);
    }

    /// <summary>A WebSocket on a connection whose handshake is done.</summary>
    internal static WebSocketConnection FromConnection(Connection connection, WebSocketOptions options) => new(connection, null, options);

    /// <summary>
    /// Closes in the protocol's own way: sends a close and waits for the server's. When nobody receives it reads and drops what still comes; else the one who receives is given the
    /// server's close. The connection is to be disposed afterwards all the same.
    /// </summary>
    /// <param name="code">Why: 1000 (done), 1001 (going away), 1008, 1011 and others of RFC 6455, 7.4; 3000 to 4999 are the application's.</param>
    /// <param name="reason">Why, in at most 123 bytes of UTF-8.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="TimeoutException">The server did not close within <see cref="WebSocketOptions.CloseTimeout"/>.</exception>
    public async Task CloseAsync(int code = 1000, string reason = "", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (!IsSendable(code))
            throw new ArgumentOutOfRangeException(nameof(code), code, "A close has a code of 1000 to 1003, 1007 to 1014 or 3000 to 4999.");
        byte[] payload = [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)];
        if (payload.Length - 2 > MaxReasonBytes)
            throw new ArgumentException($"The reason has {payload.Length - 2} bytes, more than {MaxReasonBytes}.", nameof(reason));
        await SendCloseAsync(payload, cancellationToken).ConfigureAwait(false);
        using var timer = new CancellationTokenSource(_options.CloseTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            if (_isReceiving)
                await _closeReceived.Task.WaitAsync(either.Token).ConfigureAwait(false);
            else
                await ReceiveCloseAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException($"The server at {Endpoint} did not close the WebSocket within {_options.CloseTimeout.TotalSeconds:0.###} s.");
        }
    }

    /// <summary>Closes the connection at once, without a word. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_pinger is not null)
            await _pinger.DisposeAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The codes that may be on the wire (RFC 6455, 7.4; 1012 to 1014 of the registry).</summary>
    private static bool IsSendable(int code) => code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);

    private async Task ReceiveCloseAsync(CancellationToken cancellationToken)
    {
        WebSocketMessage message;
        do
            message = await ReceiveAsync(cancellationToken).ConfigureAwait(false);
        while (message.Kind != WebSocketMessageKind.Close);
    }
}
