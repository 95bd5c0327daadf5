using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    private const int Running = 103;
    private const int Succeeded = 200;

    private static readonly HttpTimeouts s_unlimited = new() { Head = Timeout.InfiniteTimeSpan, BodyIdle = Timeout.InfiniteTimeSpan, Whole = Timeout.InfiniteTimeSpan };

    /// <summary>Called with each operation that the server has answered, and whether with an error.</summary>
    internal Action<LxdApiOperation, bool>? Answered { get; set; }

    /// <summary>An operation whose answer is a value.</summary>
    private async Task<LxdAnswer<T>> GetValueAsync<T>(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        await GetValueAsync(operation, path, variant, call, null, type, cancellationToken).ConfigureAwait(false);

    private async Task<LxdAnswer<T>> GetValueAsync<T>(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, HttpRequestBody? body, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        // How long the server waits is the caller's to say.
        var timeouts = operation.Target.EndsWith("/wait", StringComparison.Ordinal) || operation.Target.Contains("/wait?", StringComparison.Ordinal) ? s_unlimited : null;
        var response = await RespondAsync(operation, path, variant, call, body, timeouts, cancellationToken).ConfigureAwait(false);
        await using (response.ConfigureAwait(false))
        {
            var sequence = await ReadAsync(response, operation, cancellationToken).ConfigureAwait(false);
            var envelope = LxdEnvelope.Read(sequence, type, operation.ToString());
            return new LxdAnswer<T>(envelope.Value, RevisionOf(response));
        }
    }

    /// <summary>An operation that answers when it is done.</summary>
    private async Task SendAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, HttpRequestBody? body, CancellationToken cancellationToken)
    {
        // Some servers do in the background what others do at once.
        if (await SendOrBeginAsync(operation, path, variant, call, body, cancellationToken).ConfigureAwait(false) is { Id: { } id })
            await WaitAsync(id, operation.ToString(), cancellationToken).ConfigureAwait(false);
    }

    private Task SendAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, CancellationToken cancellationToken) => SendAsync(operation, path, variant, call, null, cancellationToken);

    /// <summary>An operation that goes on in the background.</summary>
    private async Task<LxdOperation> BeginAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, HttpRequestBody? body, CancellationToken cancellationToken) =>
        await SendOrBeginAsync(operation, path, variant, call, body, cancellationToken).ConfigureAwait(false) ?? new LxdOperation { Status = "Success", StatusCode = Succeeded };

    private Task<LxdOperation> BeginAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, CancellationToken cancellationToken) => BeginAsync(operation, path, variant, call, null, cancellationToken);

    /// <summary>An operation that either is done when it answers, or goes on in the background.</summary>
    private async Task<LxdOperation?> SendOrBeginAsync(
        LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, HttpRequestBody? body, CancellationToken cancellationToken, HttpTimeouts? timeouts = null, IReadOnlyList<HttpHeader>? beside = null)
    {
        var response = await RespondAsync(operation, path, variant, call, body, timeouts, cancellationToken, beside: beside).ConfigureAwait(false);
        await using (response.ConfigureAwait(false))
        {
            var sequence = await ReadAsync(response, operation, cancellationToken).ConfigureAwait(false);
            var envelope = LxdEnvelope.Read(sequence, response.Status == 202 ? LxdJson.Default.LxdOperation : null, operation.ToString());
            return envelope.Type == "async" ? envelope.Value : null;
        }
    }

    private Task<LxdOperation?> SendOrBeginAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, CancellationToken cancellationToken) => SendOrBeginAsync(operation, path, variant, call, null, cancellationToken);

    /// <summary>An operation whose answer is not JSON.</summary>
    private Task<HttpResponse> OpenAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, CancellationToken cancellationToken) =>
        RespondAsync(operation, path, variant, call, null, s_unlimited, cancellationToken);

    /// <summary>An operation that goes on as a WebSocket.</summary>
    private Task<WebSocketConnection> OpenWebSocketAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, CancellationToken cancellationToken) =>
        OpenWebSocketAsync(operation, path, variant, call, null, cancellationToken);

    internal async Task<WebSocketConnection> OpenWebSocketAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, WebSocketOptions? options, CancellationToken cancellationToken)
    {
        CheckOffered(operation);
        var (target, headers) = (call ?? LxdCall.None).Prepare(operation, path, variant, _project, IsIncus);
        options ??= new WebSocketOptions();
        foreach (var header in headers)
            options.Headers.Add(header);
        try
        {
            var socket = await WebSocketConnection.ConnectAsync(_pool, target, options, cancellationToken).ConfigureAwait(false);
            Answered?.Invoke(operation, false);
            return socket;
        }
        catch (Exception error) when (error is IOException and not WebSocketProtocolException)
        {
            if (error is HttpException { Failure: HttpFailure.UpgradeRefused })
                Answered?.Invoke(operation, true);
            throw LxdErrors.Of(error, operation.ToString(), _pool.Endpoint);
        }
    }

    /// <summary>An operation that takes the connection over.</summary>
    private async Task<Connection> OpenConnectionAsync(LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, CancellationToken cancellationToken)
    {
        var response = await RespondAsync(operation, path, variant, call, null, null, cancellationToken, upgrade: "sftp").ConfigureAwait(false);
        await using (response.ConfigureAwait(false))
            return response.TakeConnection();
    }

    /// <summary>Sends a request. The response is a good one, and the caller's to dispose.</summary>
    private async Task<HttpResponse> RespondAsync(
        LxdApiOperation operation, HttpTarget path, string? variant, LxdCall? call, HttpRequestBody? body, HttpTimeouts? timeouts, CancellationToken cancellationToken, string? upgrade = null, IReadOnlyList<HttpHeader>? beside = null)
    {
        CheckOffered(operation);
        var (target, headers) = (call ?? LxdCall.None).Prepare(operation, path, variant, _project, IsIncus);
        headers.AddRange(beside ?? []);

        // A PUT starts an instance, a DELETE deletes the one that has the name by then: neither is done twice.
        var request = new HttpRequest(operation.Method, target, headers) { Timeouts = timeouts, Upgrade = upgrade, IsIdempotent = operation.Method == HttpMethod.Get || operation.Method == HttpMethod.Head };
        try
        {
            var response = await _pool.SendAsync(request, body, cancellationToken).ConfigureAwait(false);
            Answered?.Invoke(operation, !response.IsSuccess && response.Status != 101);
            if (response.IsSuccess || response.Status == 101)
                return response;
            await using (response.ConfigureAwait(false))
                throw await RefusedAsync(response, operation, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw LxdErrors.Of(error, operation.ToString(), _pool.Endpoint);
        }
    }

    private static async Task<LxdException> RefusedAsync(HttpResponse response, LxdApiOperation operation, CancellationToken cancellationToken)
    {
        var sequence = await response.ReadSequenceAsync(cancellationToken).ConfigureAwait(false);
        return new LxdException(operation.ToString(), response.Status, LxdEnvelope.ReadError(sequence), RequestOutcome.Rejected);
    }

    private async Task<ReadOnlySequence<byte>> ReadAsync(HttpResponse response, LxdApiOperation operation, CancellationToken cancellationToken)
    {
        try
        {
            return await response.ReadSequenceAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw LxdErrors.Of(error, operation.ToString(), _pool.Endpoint);
        }
    }

    /// <summary>Waits until an operation is over, however long that takes.</summary>
    internal async Task<LxdOperation> WaitAsync(string id, string what, CancellationToken cancellationToken)
    {
        while (true)
        {
            var operation = (await OperationWaitGetAsync(id, new LxdCall { Timeout = -1 }, cancellationToken).ConfigureAwait(false)).Value;
            if (operation.StatusCode is >= 100 and < 200)
                continue;
            return operation.StatusCode == Succeeded ? operation : throw FailureOf(operation, what);
        }
    }

    internal static LxdException FailureOf(LxdOperation operation, string what)
    {
        const int Cancelled = 401;
        string? words = operation.Err is { Length: > 0 } why ? why : operation.Status;
        return operation.StatusCode == Cancelled
            ? new LxdException(what, Cancelled, operation.Err is { Length: > 0 } ? words : "The operation was cancelled.", ErrorCode.Cancelled, RequestOutcome.FailedMidway)
            : new LxdException(what, (int)(operation.StatusCode ?? 0), words, LxdErrors.CodeOfFailed(words), RequestOutcome.FailedMidway);
    }

    private void CheckOffered(LxdApiOperation operation)
    {
        if (operation.Extension is { } extension && _extensions.Count > 0 && !_extensions.Contains(extension))
            throw new HypervisorException($"{operation} was not sent: the server at {Endpoint} does not have the API extension '{extension}'.", ErrorCode.Unsupported, RequestOutcome.NotSent);
    }

    private static Revision? RevisionOf(HttpResponse response) => Revision.TryParse(response.GetHeader("ETag"), null, out var revision) ? revision : null;

    /// <summary>A path with its values escaped. An empty value would make it another path.</summary>
    private static HttpTarget Path(HttpTargetText text)
    {
        var target = HttpTarget.From(text);
        if (target.Value.Contains("//", StringComparison.Ordinal) || (target.Value.Length > 1 && target.Value[^1] == '/'))
            throw new ArgumentException($"A name of the path {target.Value} is empty.", nameof(text));
        return target;
    }

    private static HttpRequestBody Json<T>(T body, JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(body);
        return HttpRequestBody.FromBytes(JsonSerializer.SerializeToUtf8Bytes(body, type));
    }
}
