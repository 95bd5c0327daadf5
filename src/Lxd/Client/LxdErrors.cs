using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd;

/// <summary>What went wrong, in our words.</summary>
internal static class LxdErrors
{
    private static readonly (string Words, ErrorCode Code)[] s_words =
    [
        ("already exists", ErrorCode.AlreadyExists),
        ("already in use", ErrorCode.AlreadyExists),
        ("UNIQUE constraint", ErrorCode.AlreadyExists),
        ("ETag doesn't match", ErrorCode.Conflict),
        ("not found", ErrorCode.NotFound),
        ("already running", ErrorCode.InvalidState),
        ("is running", ErrorCode.InvalidState),
        ("is not running", ErrorCode.InvalidState),
        ("already stopped", ErrorCode.InvalidState),
        ("is currently running", ErrorCode.InvalidState),
        ("busy", ErrorCode.Locked),
        ("already connected", ErrorCode.Locked),

        // Of projects: what is in one, what one may have, and what its users may not.
        ("Only empty projects", ErrorCode.InvalidState),
        ("is too low: there currently are", ErrorCode.InvalidState),
        ("is too low: current total is", ErrorCode.InvalidState),
        ("Reached maximum", ErrorCode.Exhausted),
        ("is forbidden", ErrorCode.Denied),
        ("are forbidden", ErrorCode.Denied),
        ("No space left", ErrorCode.Exhausted),
        ("context deadline exceeded", ErrorCode.Timeout),
    ];

    /// <summary>What failed in the background has no status that says why, only words.</summary>
    public static ErrorCode CodeOfFailed(string? words) => words is null ? ErrorCode.Unspecified : Known(words) ?? ErrorCode.Unspecified;

    /// <summary>The servers say much by 400 and 500; what they mean is in their words alone.</summary>
    public static ErrorCode CodeOf(int status, string? words)
    {
        if (status is 400 or 500 && words is not null && Known(words) is { } code)
            return code;
        return status switch
        {
            400 => ErrorCode.InvalidArgument,
            401 or 407 => ErrorCode.Unauthenticated,
            403 => ErrorCode.Denied,
            404 => ErrorCode.NotFound,
            409 => ErrorCode.AlreadyExists,
            412 => ErrorCode.Conflict,
            423 => ErrorCode.Locked,
            429 => ErrorCode.Exhausted,
            501 => ErrorCode.Unsupported,
            503 => ErrorCode.Unavailable,
            504 => ErrorCode.Timeout,
            _ => ErrorCode.Unspecified,
        };
    }

    private static ErrorCode? Known(string words) => Array.Find(s_words, known => words.Contains(known.Words, StringComparison.OrdinalIgnoreCase)) is { Words: not null } known ? known.Code : null;

    public static HypervisorException Of(Exception error, string what, HttpEndpoint endpoint) => error switch
    {
        ConnectException connect => new BackendConnectionException(Explained(connect, endpoint), connect.Failure switch
        {
            ConnectFailure.Denied => ErrorCode.Denied,
            ConnectFailure.TimedOut => ErrorCode.Timeout,
            ConnectFailure.Untrusted => ErrorCode.Unauthenticated,
            _ => ErrorCode.Unavailable,
        }, RequestOutcome.NotSent, connect),
        HttpException { Failure: HttpFailure.UpgradeRefused } refused => new HypervisorException($"{what} failed: {refused.Message}", ErrorCode.Unspecified, RequestOutcome.Rejected, refused),
        HttpException { Failure: HttpFailure.Malformed or HttpFailure.TooLarge } broken => new BackendProtocolException($"{what} failed: {broken.Message}", ErrorCode.Protocol, Outcome(broken), broken),
        HttpException http => new BackendConnectionException($"{what} failed: {http.Message}", http.Failure switch
        {
            HttpFailure.TimedOut => ErrorCode.Timeout,
            HttpFailure.PoolExhausted => ErrorCode.Exhausted,
            _ => ErrorCode.Unavailable,
        }, Outcome(http), http),
        _ => new BackendConnectionException($"{what} failed: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Unknown, error),
    };

    public static BackendProtocolException Unreadable(string what, string why, Exception? error = null) =>
        new($"The answer to {what} is not of the API: {why}", ErrorCode.Protocol, RequestOutcome.Unknown, error);

    private static RequestOutcome Outcome(HttpException error) => error.MaybeSent ? RequestOutcome.Unknown : RequestOutcome.NotSent;

    private static string Explained(ConnectException error, HttpEndpoint endpoint)
    {
        if (error.Failure != ConnectFailure.Denied || !endpoint.Name.StartsWith("unix:", StringComparison.Ordinal))
            return error.Message;
        string group = endpoint.Name.Contains("incus", StringComparison.OrdinalIgnoreCase) ? "incus-admin" : "lxd";
        return $"{error.Message} Its group may use it, which is '{group}' unless the server was started with another: add this user to that group.";
    }
}
