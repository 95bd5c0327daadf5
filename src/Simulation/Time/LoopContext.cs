namespace Hypervisor.Sdk.Simulation.Time;

/// <summary>What brings the code under test back into the loop after each await.</summary>
internal sealed class LoopContext(SimulationLoop loop) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => loop.PostToContext(d, state);

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!loop.IsCurrent)
            throw new NotSupportedException("The loop of a simulation is entered by Post only: nobody waits for it by blocking.");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;
}
