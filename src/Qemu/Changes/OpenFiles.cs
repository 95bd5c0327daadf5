using System.Globalization;
using System.Runtime.InteropServices;
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
        await DiskKeys.AddAsync(change, client, disk, cancellationToken).ConfigureAwait(false);
        try
        {
            await OpenAsync(change, client, disk, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (DiskKeys.WrongKey([disk], error.BackendMessage, error) is { } wrong)
        {
            throw wrong;
        }
    }

    private static async Task OpenAsync(MachineChange change, QmpClient client, DiskConfig disk, CancellationToken cancellationToken)
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
        using var file = MachineLauncher.OpenElsewhere(change.Services.Options, path, writable);
        await HandAsync(change, client, file, found => change.Root.EffectAsync($"open file in QEMU {change.Id}", () => AddNodeAsync(client, path, found, node, cancellationToken)), cancellationToken).ConfigureAwait(false);
    }

    private static async Task AddNodeAsync(QmpClient client, string path, string found, Func<string, string> node, CancellationToken cancellationToken)
    {
        try
        {
            await client.ExecuteAsync("blockdev-add", QapiAny.FromJson(node(found)), cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            // QEMU knows it by a number only.
            throw new HypervisorException($"'{path}' cannot be opened by QEMU: {error.Message.Replace(found, path, StringComparison.Ordinal)}", error.Code, error.Outcome, error) { BackendCode = error.BackendCode, BackendMessage = error.BackendMessage, Resource = error.Resource };
        }
    }

    /// <summary>Hands an open file over for as long as it takes QEMU to open it anew.</summary>
    /// <param name="change">The change.</param>
    /// <param name="client">The monitor.</param>
    /// <param name="file">The file.</param>
    /// <param name="open">Lets QEMU open it, at the path that it is given.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task HandAsync(MachineChange change, QmpClient client, SafeHandle file, Func<string, Task> open, CancellationToken cancellationToken)
    {
        AddfdInfo? added = null;
        try
        {
            await change.Root.EffectAsync($"hand file to QEMU {change.Id}", async () => added = await client.AddFileAsync(file, Note, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            await open(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{added!.Fd}")).ConfigureAwait(false);
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
