using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Guests;

/// <summary>The guest's file systems at rest for a moment, by its agent.</summary>
[SupportedOSPlatform("linux")]
internal static class Quiescence
{
    /// <summary>Freezes, works, thaws. The guest's file systems are thawed whatever happens in between.</summary>
    public static Task<bool> RunAsync(MachineChange change, AgentChannel agents, Func<Task> work, CancellationToken cancellationToken) => agents.TalkAsync(change.Machine, change.Config, async agent =>
    {
        change.Progress.Say("freezing the guest's file systems");
        try
        {
            await change.Root.EffectAsync($"freeze the guest of {change.Id}", async () => await agent.FsfreezeFreezeAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            await work().ConfigureAwait(false);
            return true;
        }
        finally
        {
            await change.Root.EffectAsync($"thaw the guest of {change.Id}", async () => await agent.FsfreezeThawAsync(CancellationToken.None).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }, cancellationToken);

    /// <summary>Lets a guest go on whose file systems the interrupted work may have left at rest.</summary>
    /// <returns>Why it could not be told; null when it goes on.</returns>
    public static async Task<HypervisorException?> ThawAsync(MachineChange change, AgentChannel agents, JournalEntry entry, CancellationToken cancellationToken)
    {
        if (!(await change.GetStatusAsync(cancellationToken).ConfigureAwait(false)).IsUp)
            return null;
        try
        {
            await agents.TalkAsync(change.Machine, change.Config, async agent => await agent.FsfreezeThawAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (HypervisorException error)
        {
            return new HypervisorException(
                $"The process that carried out '{entry.Kind}' ended in the middle of it, and the guest's file systems may still be frozen: its agent could not be told to thaw them. Tell it so, or restart the machine. {error.Message}",
                error.Code, RequestOutcome.FailedMidway, error);
        }
    }
}
