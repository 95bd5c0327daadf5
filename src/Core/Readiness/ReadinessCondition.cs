namespace Hypervisor.Sdk;

/// <summary>Something that must be so before an instance is ready.</summary>
public abstract record ReadinessCondition
{
    private ReadinessCondition()
    {
    }

    /// <summary>It is in a state.</summary>
    /// <param name="Wanted">Which: <see cref="PowerState.Running"/>.</param>
    public sealed record InState(PowerState Wanted) : ReadinessCondition;

    /// <summary>It has an address that other machines can use: neither loopback nor link-local; from the backend, or from the agent in the guest where the backend knows none.</summary>
    public sealed record HasAddress : ReadinessCondition;

    /// <summary>A text has stood in its console's log. Once seen it counts, whatever comes after.</summary>
    /// <param name="Text">The text, compared by ordinal: <c>login:</c>.</param>
    public sealed record ConsoleShows(string Text) : ReadinessCondition;

    /// <summary>A condition of the caller's own.</summary>
    /// <param name="Name">What it is, for errors and progress: <c>answers on port 22</c>.</param>
    /// <param name="IsMetAsync">Asks. A <see cref="HypervisorException"/> means not yet, and its message is what was last seen.</param>
    public sealed record Custom(string Name, Func<IBackend, Instance, CancellationToken, ValueTask<bool>> IsMetAsync) : ReadinessCondition;
}
