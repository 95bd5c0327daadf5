using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>Hands files outside the machine's directory to a running QEMU, which has no way to them: opened here, and opened by it once more by its number.</summary>
[SupportedOSPlatform("linux")]
internal static class OpenFiles
{
    private const string Note = "hv-file";

    /// <summary>Adds the node of a disk, wherever it is.</summary>
    public static async Task AddDiskAsync(MachineChange change, QmpClient client, DiskConfig disk, CancellationToken cancellationToken)
    {
        if (disk.ExternalPath is { } path)
            await AddNodeAsync(change, client, path, !disk.ReadOnly, found => BlockNode.ToJson(disk, (_, _) => found), cancellationToken).ConfigureAwait(false);
        else
            await change.Root.EffectAsync($"open disk in QEMU {change.Id}/{disk.NodeName}", async () => await client.ExecuteAsync("blockdev-add", QapiAny.FromJson(BlockNode.ToJson(disk, (file, _) => MachineArguments.DiskPath(file!))), cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Adds a node for a file elsewhere.</summary>
    /// <param name="change">The change.</param>
    /// <param name="client">The monitor.</param>
    /// <param name="path">The file.</param>
    /// <param name="writable">Whether QEMU writes to it.</param>
    /// <param name="node">Makes the node of the path by which QEMU finds it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task AddNodeAsync(MachineChange change, QmpClient client, string path, bool writable, Func<string, string> node, CancellationToken cancellationToken)
    {
        using var file = MachineLauncher.OpenElsewhere(path, writable);
        AddfdInfo? added = null;
        try
        {
            await change.Root.EffectAsync($"hand file to QEMU {change.Id}", async () => added = await client.AddFileAsync(file, Note, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            string json = node(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{added!.Fd}"));
            await change.Root.EffectAsync($"open file in QEMU {change.Id}", async () => await client.ExecuteAsync("blockdev-add", QapiAny.FromJson(json), cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        finally
        {
            // It has its own by now.
            if (added is not null)
                await client.RemoveFdAsync(added.FdsetId, added.Fd, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Takes back files that a crash has left at QEMU.</summary>
    public static async Task ReleaseAsync(QmpClient client, CancellationToken cancellationToken)
    {
        foreach (var set in await client.QueryFdsetsAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (var file in set.Fds.Where(file => file.Opaque == Note))
                await client.RemoveFdAsync(set.FdsetId, file.Fd, cancellationToken).ConfigureAwait(false);
        }
    }
}
