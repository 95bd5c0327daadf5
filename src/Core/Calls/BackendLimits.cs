namespace Hypervisor.Sdk;

/// <summary>How much a backend is asked at a time, and how long a call may take. Read once, when the backend is decorated.</summary>
public sealed class BackendLimits
{
    /// <summary>How many calls may be under way at a time, 1 or more; further ones wait. An open console, subscription or stream is no call under way. Default: any number.</summary>
    public int? MaxConcurrentCalls { get; set; }

    /// <summary>
    /// How long a call may take, waiting for its turn included, more than zero, where its <see cref="RequestOptions.Deadline"/> does not say. Uploads, writes of files and commands in the guest have none of their
    /// own length and are bound by <see cref="RequestOptions"/> or the caller's token only. Default: any time.
    /// </summary>
    public TimeSpan? Deadline { get; set; }

    internal BackendLimits Copy()
    {
        if (MaxConcurrentCalls is < 1)
            throw new ArgumentException($"{nameof(MaxConcurrentCalls)} is {MaxConcurrentCalls}: it must be 1 or more.");
        if (Deadline is { Ticks: <= 0 })
            throw new ArgumentException($"{nameof(Deadline)} is {Deadline}: it must be more than zero.");
        return new() { MaxConcurrentCalls = MaxConcurrentCalls, Deadline = Deadline };
    }
}
