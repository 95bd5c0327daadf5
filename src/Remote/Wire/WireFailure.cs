using System.Text.Json;

namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>The failure of a call on its way: which exception it was, and for one of the model everything that it says.</summary>
internal static class WireFailure
{
    private const string Failure = "failure";
    private const string Misuse = "misuse";
    private const string OutOfRange = "outOfRange";
    private const string Cancelled = "cancelled";
    private const string NotSupported = "notSupported";
    private const string InvalidOperation = "invalidOperation";
    private const string Closed = "closed";
    private const string Unexpected = "unexpected";

    /// <summary>Writes what a call failed with.</summary>
    public static ReadOnlyMemory<byte> Write(WireJson json, Exception error, bool isCancelled)
    {
        var (kind, message, parameter) = error switch
        {
            HypervisorException => (Failure, null, null),
            ArgumentOutOfRangeException misuse => (OutOfRange, MessageOf(misuse), misuse.ParamName),
            ArgumentException misuse => (Misuse, MessageOf(misuse), misuse.ParamName),
            // Values that cannot be read are values that must not be passed: a default id, a null.
            JsonException unreadable => (Misuse, MessageOf(unreadable), null),
            OperationCanceledException when isCancelled => (Cancelled, null, null),
            ObjectDisposedException closed => (Closed, closed.Message, null),
            NotSupportedException refused => (NotSupported, refused.Message, null),
            InvalidOperationException refused => (InvalidOperation, refused.Message, null),
            _ => (Unexpected, $"{error.GetType().Name}: {error.Message}", (string?)null),
        };
        return json.Write().Add(kind).Add(message).Add(parameter).Add(error as HypervisorException).ToBytes();
    }

    /// <summary>Makes the exception that the caller is to see.</summary>
    /// <param name="json">How it is read.</param>
    /// <param name="failure">What was sent.</param>
    /// <param name="name">The call.</param>
    /// <param name="backend">The backend.</param>
    /// <param name="changes">Whether the call changes something.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    public static Exception Read(WireJson json, ReadOnlyMemory<byte> failure, string name, BackendName backend, bool changes, CancellationToken cancellationToken)
    {
        try
        {
            var values = json.Read(failure);
            string kind = values.Next<string>();
            string message = values.Find<string>() ?? "";
            string? parameter = values.Find<string>();
            return kind switch
            {
                Failure => values.Next<HypervisorException>(),
                Misuse => new ArgumentException(message, parameter),
                OutOfRange => new ArgumentOutOfRangeException(parameter, message),
                Cancelled when cancellationToken.IsCancellationRequested => new OperationCanceledException(cancellationToken),
                NotSupported => new NotSupportedException(message),
                InvalidOperation => new InvalidOperationException(message),
                Closed => new HypervisorException($"Backend '{backend}' is closed over there.", ErrorCode.Unavailable, RequestOutcome.Rejected) { Backend = backend },
                _ => new HypervisorException($"{name} of the backend '{backend}' failed in a way that nobody expects: {message}", ErrorCode.Unspecified, OutcomeOf(changes)) { Backend = backend },
            };
        }
        catch (JsonException error)
        {
            return Unreadable(error, name, backend, changes);
        }
    }

    /// <summary>What came cannot be read.</summary>
    public static BackendProtocolException Unreadable(JsonException error, string name, BackendName backend, bool changes) =>
        new($"What {name} of the backend '{backend}' was answered cannot be read: {error.Message}", ErrorCode.Unspecified, OutcomeOf(changes), error) { Backend = backend };

    /// <summary>The other end was lost.</summary>
    public static HypervisorException Lost(PeerLostException lost, string name, BackendName backend, bool isSent, bool changes)
    {
        var outcome = isSent ? OutcomeOf(changes) : RequestOutcome.NotSent;
        string message = $"The connection to the backend '{backend}' was lost {(isSent ? $"before {name} was answered" : $"before {name} was sent")}: {lost.Message}";
        return lost.IsBroken ? new BackendProtocolException(message, ErrorCode.Unavailable, outcome, lost) { Backend = backend } : new BackendConnectionException(message, ErrorCode.Unavailable, outcome, lost) { Backend = backend };
    }

    // A read that was not answered changed nothing.
    private static RequestOutcome OutcomeOf(bool changes) => changes ? RequestOutcome.Unknown : RequestOutcome.Rejected;

    private static string MessageOf(ArgumentException error)
    {
        string end = error.ParamName is { Length: > 0 } name ? $" (Parameter '{name}')" : "";
        int at = end.Length == 0 ? -1 : error.Message.IndexOf(end, StringComparison.Ordinal);
        return at < 0 ? error.Message : error.Message[..at];
    }

    private static string MessageOf(JsonException error)
    {
        int at = error.Message.IndexOf(" Path: ", StringComparison.Ordinal);
        return $"A value of the call is not acceptable{(error.Path is { Length: > 1 } path ? $" at {path}" : "")}: {(at < 0 ? error.Message : error.Message[..at])}";
    }
}
