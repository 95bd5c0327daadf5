namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// How long the parts of an exchange may take; <see cref="Timeout.InfiniteTimeSpan"/> for no limit. Connecting has its own, <see cref="ConnectionOptions.ConnectTimeout"/>. A time-out never comes
/// early, and late by at most a quarter of the shortest of the pool's own or a second. It closes the connection.
/// </summary>
public sealed class HttpTimeouts
{
    /// <summary>The defaults of every property.</summary>
    public static HttpTimeouts Default { get; } = new();

    /// <summary>For streams without an end (events, logs, consoles): the head has the default time, the body all the time in the world.</summary>
    public static HttpTimeouts Streaming { get; } = new() { BodyIdle = Timeout.InfiniteTimeSpan, Whole = Timeout.InfiniteTimeSpan };

    /// <summary>From the end of sending to the end of the response's head. Default: 30 seconds.</summary>
    public TimeSpan Head { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one read of the body waits for the next bytes, or one flush of a request's body for the server to take them. Default: 60 seconds.</summary>
    public TimeSpan BodyIdle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From the call to the end of the body, waiting for a connection included. Default: 10 minutes.</summary>
    public TimeSpan Whole { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a body with <c>Expect: 100-continue</c> is held back for a server that says neither yes nor no; then it is sent. Default: 1 second.</summary>
    public TimeSpan Continue { get; init; } = TimeSpan.FromSeconds(1);

    internal TimeSpan Shortest => Sooner(Sooner(Head, BodyIdle), Sooner(Whole, Continue));

    internal void Validate()
    {
        Check(Head, nameof(Head));
        Check(BodyIdle, nameof(BodyIdle));
        Check(Whole, nameof(Whole));
        Check(Continue, nameof(Continue));
    }

    private static TimeSpan Sooner(TimeSpan one, TimeSpan other) =>
        one == Timeout.InfiniteTimeSpan || (other != Timeout.InfiniteTimeSpan && other < one) ? other : one;

    private static void Check(TimeSpan time, string name)
    {
        if (time <= TimeSpan.Zero && time != Timeout.InfiniteTimeSpan)
            throw new ArgumentException($"{name} is {time}; it must be positive or infinite.");
    }
}
