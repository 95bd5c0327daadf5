namespace Hypervisor.Sdk.Simulation.Time;

/// <summary>Something that is due at a time of the loop. Belongs to the loop: touched from within only.</summary>
internal sealed class LoopTimer(Action<object?> callback, object? state)
{
    /// <summary>Grows each time that it is armed or disarmed, so that entries of the queue made before are known as stale.</summary>
    public int Arming { get; set; }

    public bool IsArmed { get; set; }

    public void Fire() => callback(state);
}
