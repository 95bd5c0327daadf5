using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Simulation.Time;

/// <summary>Waits for a time within the loop: <c>await new LoopDelay(loop, time)</c>.</summary>
internal readonly struct LoopDelay(SimulationLoop loop, TimeSpan time) : ICriticalNotifyCompletion
{
    public bool IsCompleted => time <= TimeSpan.Zero;

    public LoopDelay GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => loop.Schedule(time, static state => ((Action)state!)(), continuation);
}
