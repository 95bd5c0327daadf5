namespace Hypervisor.Sdk;

/// <summary>A call to a backend failed; the backend itself is still usable. Says why in our words and in the backend's own, and whether it may have happened.</summary>
/// <param name="message">What, which value, what to do. Never a secret.</param>
/// <param name="code">Why.</param>
/// <param name="outcome">Whether it may have happened.</param>
/// <param name="innerException">The cause, where there is one.</param>
public class HypervisorException(string message, ErrorCode code, RequestOutcome outcome, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Why, in our words. What the driver did not recognise is <see cref="ErrorCode.Unspecified"/>.</summary>
    public ErrorCode Code { get; } = code;

    /// <summary>Whether it may have happened.</summary>
    public RequestOutcome Outcome { get; } = outcome;

    /// <summary>The backend that was called.</summary>
    public BackendName? Backend { get; init; }

    /// <summary>What the call was about: <c>instance web1</c>.</summary>
    public string? Resource { get; init; }

    /// <summary>The backend's own code, verbatim.</summary>
    public string? BackendCode { get; init; }

    /// <summary>The backend's own words, verbatim: text of the backend's, never to be parsed.</summary>
    public string? BackendMessage { get; init; }

    /// <summary>What is wrong, by the field of the request, where fields are to blame.</summary>
    public IReadOnlyDictionary<string, string>? FieldErrors { get; init; }

    /// <summary>How long the backend asked to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// True when the same call may succeed later and repeating it is safe now: nothing happened (<see cref="RequestOutcome.NotSent"/> or <see cref="RequestOutcome.Rejected"/>) for a reason that passes
    /// (locked, unavailable, exhausted, timeout, or a retry-after).
    /// </summary>
    public bool IsTransient => Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected
        && (RetryAfter is not null || Code == ErrorCode.Locked || Code == ErrorCode.Unavailable || Code == ErrorCode.Exhausted || Code == ErrorCode.Timeout);
}
