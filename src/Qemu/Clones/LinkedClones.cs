using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Clones;

/// <summary>Finds the machines whose disks lie upon another machine's.</summary>
[SupportedOSPlatform("linux")]
internal static class LinkedClones
{
    /// <summary>The names of the machines that share images of this one.</summary>
    public static IReadOnlyList<string> Of(MachineChange change)
    {
        string images = Path.Combine(change.Services.State.Path, StateDirectory.Disks(change.Id)) + "/";
        return [.. change.Table.Ids().Select(id => change.Table.Get(id).ReadConfig()).OfType<MachineConfig>()
            .Where(config => config.Disks.Any(disk => disk.Backing.Any(below => below.ExternalPath?.StartsWith(images, StringComparison.Ordinal) == true)))
            .Select(config => config.Name)];
    }

    /// <summary>Refuses what would pull the images away from under a clone. Under the machine's lock, which making a clone of it holds too.</summary>
    /// <exception cref="HypervisorException">There are clones; the message names them (<see cref="ErrorCode.InvalidState"/>).</exception>
    public static void RefuseWhileShared(MachineChange change, string what)
    {
        if (change.Config.IsTemplate && Of(change) is { Count: > 0 } clones)
            throw new HypervisorException($"The template '{change.Config.Name}' cannot be {what}: {string.Join(", ", clones.Take(10))}{(clones.Count > 10 ? $" and {clones.Count - 10} more are" : clones.Count == 1 ? " is a linked clone" : " are linked clones")} of it.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
    }
}
