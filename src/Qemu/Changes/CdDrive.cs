using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>
/// Puts images into the CD drives of a running QEMU. The node of an image is called after it, so that what is in a drive is known: what a crash interrupts is put back by putting in again what is written down.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class CdDrive
{
    /// <summary>How long a guest may take to let go of a drive's door.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int MaxTries = 20;

    /// <summary>Makes a drive have what is written down of it. Does nothing when it has.</summary>
    /// <param name="change">The change.</param>
    /// <param name="cd">The drive as it is to be.</param>
    /// <param name="force">Opens the door also of a guest that holds it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">The guest does not let go of the door (<see cref="ErrorCode.Timeout"/>): it has the CD still.</exception>
    public static async Task ChangeAsync(MachineChange change, DiskConfig cd, bool force, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        string? wanted = cd.ExternalPath is null ? null : BlockNode.CdNodeOf(cd);
        var drive = await FindAsync(client, cd.Id, cancellationToken).ConfigureAwait(false);
        await OpenFiles.ReleaseAsync(client, cancellationToken).ConfigureAwait(false);
        if (drive.Inserted?.NodeName != wanted)
        {
            await WhileOpenAsync(change, client, cd, force, "empty", () => client.BlockdevRemoveMediumAsync(cd.Id, cancellationToken), cancellationToken).ConfigureAwait(false);
            await ForgetAsync(change, client, cancellationToken).ConfigureAwait(false);
            if (wanted is not null)
            {
                await OpenFiles.AddNodeAsync(change, client, cd.ExternalPath!, writable: false, path => BlockNode.CdToJson(wanted, path), cancellationToken).ConfigureAwait(false);
                await WhileOpenAsync(change, client, cd, force, "fill", () => client.BlockdevInsertMediumAsync(cd.Id, wanted, cancellationToken), cancellationToken).ConfigureAwait(false);
            }
        }
        else
        {
            await ForgetAsync(change, client, cancellationToken).ConfigureAwait(false);
        }

        if ((await FindAsync(client, cd.Id, cancellationToken).ConfigureAwait(false)).TrayOpen == true)
            await change.Root.EffectAsync($"close drive of QEMU {change.Id}/{cd.Id}", async () => await client.BlockdevCloseTrayAsync(id: cd.Id, cancellationToken: cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Whether nothing is in a drive.</summary>
    public static async Task<bool> IsEmptyAsync(MachineChange change, string id, CancellationToken cancellationToken) =>
        (await FindAsync(await change.MonitorAsync(cancellationToken).ConfigureAwait(false), id, cancellationToken).ConfigureAwait(false)).Inserted is null;

    /// <summary>Does something with the door open. The guest may shut it at any moment: then it is opened once more.</summary>
    private static async Task WhileOpenAsync(MachineChange change, QmpClient client, DiskConfig cd, bool force, string what, Func<ValueTask> action, CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            if ((await FindAsync(client, cd.Id, cancellationToken).ConfigureAwait(false)).TrayOpen != true)
                await OpenAsync(change, client, cd, force, cancellationToken).ConfigureAwait(false);
            try
            {
                await change.Root.EffectAsync($"{what} drive of QEMU {change.Id}/{cd.Id}", async () => await action().ConfigureAwait(false)).ConfigureAwait(false);
                return;
            }
            catch (HypervisorException error) when (tries < MaxTries && (error.BackendMessage?.Contains("is not open", StringComparison.Ordinal) ?? false))
            {
                // Shut in between.
            }
        }
    }

    private static async Task OpenAsync(MachineChange change, QmpClient client, DiskConfig cd, bool force, CancellationToken cancellationToken)
    {
        using var events = client.Subscribe(QmpEventName.DeviceTrayMoved);
        try
        {
            await change.Root.EffectAsync($"open drive of QEMU {change.Id}/{cd.Id}", async () => await client.BlockdevOpenTrayAsync(id: cd.Id, force: force, cancellationToken: cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.BackendMessage?.Contains("is locked", StringComparison.Ordinal) ?? false)
        {
            // The guest was asked, and opens the door when it has let go.
            change.Progress.Say($"waiting for the guest to let go of {cd.Id}");
        }

        using var patience = new CancellationTokenSource(Patience, change.Services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            while ((await FindAsync(client, cd.Id, cancellationToken).ConfigureAwait(false)).TrayOpen != true)
            {
                // A guest that has shut it again since is seen by what is done next.
                if (await events.ReadAsync(either.Token).ConfigureAwait(false) is DeviceTrayMovedEvent { TrayOpen: true } moved && (moved.Id == cd.Id || moved.Id.EndsWith("/" + cd.Id, StringComparison.Ordinal)))
                    return;
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new HypervisorException(
                $"The guest did not let go of the door of '{cd.Id}' within {Patience.TotalSeconds:0.#} s: it uses the CD, and has it still. Unmount it in the guest, or stop the machine, and change it then.", ErrorCode.Timeout, RequestOutcome.FailedMidway);
        }
    }

    /// <summary>Closes the images that no drive has.</summary>
    private static async Task ForgetAsync(MachineChange change, QmpClient client, CancellationToken cancellationToken)
    {
        var used = (await client.QueryBlockAsync(cancellationToken).ConfigureAwait(false)).Select(drive => drive.Inserted?.NodeName).ToHashSet(StringComparer.Ordinal);
        foreach (var node in await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            if (node.NodeName is { } name && name.StartsWith(BlockNode.CdPrefix, StringComparison.Ordinal) && !name.EndsWith("-file", StringComparison.Ordinal) && !used.Contains(name))
                await change.Root.EffectAsync($"close CD in QEMU {change.Id}/{name}", async () => await client.BlockdevDelAsync(name, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    private static async Task<BlockInfo> FindAsync(QmpClient client, string id, CancellationToken cancellationToken) =>
        (await client.QueryBlockAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(drive => drive.Qdev == id || drive.Qdev == $"/machine/peripheral/{id}")
        ?? throw new HypervisorException($"QEMU has no drive '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected);
}
