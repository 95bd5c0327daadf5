using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Starting and ending containers.</summary>
internal static class ContainerPower
{
    private static readonly string[] s_ends = ["instance-stopped", "instance-shutdown", "instance-deleted"];

    public static StopOptions Checked(StopOptions? options)
    {
        options ??= new StopOptions();
        return options.GracePeriod < TimeSpan.Zero ? throw new ArgumentException($"A grace period is not negative; this one is {options.GracePeriod}.", nameof(options)) : options;
    }

    public static void RefuseStart(ContainerFacts facts)
    {
        if (facts.State == PowerState.Paused)
            throw Refusal.InvalidState(facts.Id, $"'{facts.Id}' is paused: resume it.");
    }

    public static void RefuseEphemeral(ContainerFacts facts)
    {
        if (facts.Own.Ephemeral is true)
            throw Refusal.InvalidState(facts.Id, $"'{facts.Id}' is ephemeral: it is deleted when it stops, and cannot be started again.");
    }

    public static Task StartAsync(ContainerChange change, CancellationToken cancellationToken) =>
        change.SetAsync("start", false, null, facts => facts?.State == PowerState.Running, ["instance-started"], cancellationToken);

    /// <summary>Asks it to end where there is time for that, and ends it.</summary>
    public static async Task StopAsync(ContainerChange change, StopOptions options, CancellationToken cancellationToken)
    {
        if (options.GracePeriod > TimeSpan.Zero && change.Before.State == PowerState.Running)
        {
            try
            {
                await change.SetAsync("stop", false, options.GracePeriod, IsEnded, s_ends, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (HypervisorException error) when (error.Outcome == RequestOutcome.FailedMidway)
            {
                if (!options.ForceAfterGrace)
                    throw new HypervisorException($"'{change.Id}' did not shut down within {options.GracePeriod.TotalSeconds:0.###} s and runs on.", ErrorCode.Timeout, RequestOutcome.FailedMidway, error) { Resource = $"instance {change.Id}" };
            }
        }

        try
        {
            await change.SetAsync("stop", true, null, IsEnded, s_ends, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.InvalidState)
        {
            // It has ended by itself meanwhile.
        }
    }

    private static bool IsEnded(ContainerFacts? facts) => facts?.State is null || facts.State == PowerState.Stopped;
}
