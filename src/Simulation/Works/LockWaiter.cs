namespace Hypervisor.Sdk.Simulation.Works;

/// <summary>Somebody who waits to have an instance.</summary>
internal sealed class LockWaiter
{
    /// <summary>Whether he shares it with others that do.</summary>
    public bool IsShared { get; init; }

    /// <summary>Completes with true when it is his turn, with false when his patience is at its end.</summary>
    public TaskCompletionSource<bool> Turn { get; } = new();
}
