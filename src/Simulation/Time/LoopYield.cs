using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Simulation.Time;

/// <summary>Lets everything that is due now go first: <c>await new LoopYield(loop)</c>.</summary>
internal readonly struct LoopYield(SimulationLoop loop) : ICriticalNotifyCompletion
{
    public bool IsCompleted => false;

    public LoopYield GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => loop.Schedule(TimeSpan.Zero, static state => ((Action)state!)(), continuation);
}
