using Hypervisor.Sdk.Simulation.Traces;

namespace Hypervisor.Sdk.Simulation;

/// <summary>Makes the calls and plans the faults of a trace again, at the same moments.</summary>
public static class SimulationReplay
{
    /// <summary>Replays a trace.</summary>
    /// <param name="trace">What happened: kept from its first line on, with its calls.</param>
    /// <param name="configure">Says what the data centre was made of, as then, and where the others are that instances moved to; the seed is the trace's.</param>
    /// <returns>What happened now. <see cref="SimulationTrace.Compare"/> says whether it is the same.</returns>
    /// <exception cref="ArgumentException">The trace's first lines are missing.</exception>
    /// <exception cref="FormatException">
    /// A call of the trace cannot be read, an instance came from another data centre, or moved to one that <paramref name="configure"/> does not find; the message names its line.
    /// </exception>
    public static async Task<SimulationTrace> RunAsync(SimulationTrace trace, Action<SimulationOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(trace);
        if (trace.DroppedLines > 0)
            throw new ArgumentException($"The first {trace.DroppedLines} lines of the trace were dropped: it cannot be replayed. Raise {nameof(SimulationOptions.KeptTraceLines)}.", nameof(trace));
        var options = new SimulationOptions();
        configure?.Invoke(options);
        options.Seed = trace.Seed;
        options.Pace = SimulationPace.Stepped;
        options.TraceCalls = true;
        var datacenter = new SimulatedDatacenter(options);
        await using (datacenter.ConfigureAwait(false))
        {
            var replayer = new Replayer(datacenter, trace.Lines);
            await datacenter.RunAsync(replayer.RunAsync).ConfigureAwait(false);
            return datacenter.Trace;
        }
    }
}
