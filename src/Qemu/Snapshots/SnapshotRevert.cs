using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Backups;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Snapshots;

/// <summary>Goes back to a snapshot. Every step can be done again, so that what a crash interrupts is finished.</summary>
[SupportedOSPlatform("linux")]
internal static class SnapshotRevert
{
    /// <summary>Goes back.</summary>
    /// <param name="change">The change.</param>
    /// <param name="record">To where.</param>
    /// <param name="startAfter">Whether a machine without kept memory is started anew; one with memory always goes on.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task RunAsync(MachineChange change, SnapshotRecord record, bool startAfter, CancellationToken cancellationToken)
    {
        var status = await change.GetStatusAsync(cancellationToken).ConfigureAwait(false);
        if (record.IncludesMemory && status.IsUp && HasDevicesOf(change, record, status))
        {
            change.Progress.Say("loading memory and disks");
            await BackupNodes.DropCheckpointsAsync(change, cancellationToken).ConfigureAwait(false);
            await LoadAsync(change, record, cancellationToken).ConfigureAwait(false);
            Note(change, record);
            return;
        }

        if (status.IsUp)
        {
            change.Progress.Say("switching the machine off");
            await MachineLauncher.KillAsync(change, cancellationToken).ConfigureAwait(false);
            change.Table.News.Power(change.Id, PowerState.Stopped, $"It goes back to the snapshot '{record.Name}'.");
        }
        else if (status.State == PowerState.Crashed)
        {
            // One that has crashed is stopped from now on.
            await change.SettleAsync(cancellationToken).ConfigureAwait(false);
            change.Table.News.Power(change.Id, PowerState.Stopped, $"It goes back to the snapshot '{record.Name}'.");
        }

        change.Progress.Say("putting the disks back");
        await SnapshotFiles.ApplyAsync(change, record.Config, record.Tag, cancellationToken).ConfigureAwait(false);
        TpmState.Restore(change, record.Tag);
        Restore(change, record);
        Note(change, record);
        if (!startAfter && !record.IncludesMemory)
            return;
        await MachineLauncher.StartAsync(change, hold: record.IncludesMemory, cancellationToken).ConfigureAwait(false);
        if (record.IncludesMemory)
            await LoadAsync(change, record, cancellationToken).ConfigureAwait(false);
        change.Table.News.Power(change.Id, record is { IncludesMemory: true, WasRunning: false } ? PowerState.Paused : PowerState.Running, $"It went back to the snapshot '{record.Name}'.");
    }

    /// <summary>Finishes what a crash interrupted.</summary>
    public static async Task<HypervisorException?> RecoverAsync(MachineChange change, JournalEntry entry, CancellationToken cancellationToken)
    {
        var intent = JsonSerializer.Deserialize(entry.Intent!, StateJson.Default.RevertIntent)!;
        if (change.Services.State.ReadSnapshots(change.Id).FindTag(intent.Tag) is not { } record)
            return MachineRecovery.Interrupted(entry);
        try
        {
            // What QEMU holds in memory may be half of each: begin from the images.
            await MachineLauncher.KillAsync(change, cancellationToken).ConfigureAwait(false);
            await RunAsync(change, record, intent.StartAfter, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (HypervisorException error)
        {
            return new HypervisorException($"The process that carried out '{entry.Kind}' ended in the middle of it, and going on failed: {error.Message}", error.Code, RequestOutcome.FailedMidway, error);
        }
    }

    /// <summary>Whether the QEMU that runs has the devices that the memory was kept with.</summary>
    private static bool HasDevicesOf(MachineChange change, SnapshotRecord record, MachineStatus status)
    {
        var config = change.Config;
        return status.Process is { } process && !process.Lacks(config) && DevicesOf(change, config).SequenceEqual(DevicesOf(change, record.Config));
    }

    private static IEnumerable<string> DevicesOf(MachineChange change, MachineConfig config)
    {
        // The name is no device, and the guest notices the size of a disk though no argument says it.
        var (arguments, _, _) = MachineArguments.Build(config with { Name = "", Labels = new Dictionary<string, string>() }, change.Services.Host);
        return arguments.Concat(config.Disks.Select(disk => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{disk.SizeBytes} {disk.ExternalPath}")));
    }

    private static async Task LoadAsync(MachineChange change, SnapshotRecord record, CancellationToken cancellationToken)
    {
        try
        {
            await SnapshotNodes.LoadAsync(change, record.Config, record.Tag, cancellationToken).ConfigureAwait(false);
            // What was asked of the guest then came with its memory.
            if (change.Config.EffectivePlatform.HasExtras)
                await MemoryBalloon.ApplyAsync(change, cancellationToken).ConfigureAwait(false);
            var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
            if (record.WasRunning)
                await client.ContAsync(cancellationToken).ConfigureAwait(false);
            else
                await client.StopAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            // What is in memory now is nothing that a guest could run on.
            await MachineLauncher.KillAsync(change, CancellationToken.None).ConfigureAwait(false);
            throw new HypervisorException($"The memory that '{record.Name}' kept could not be loaded, so the machine is switched off; its disks are as they were then. {error.Message}", error.Code, RequestOutcome.FailedMidway, error) { BackendMessage = error.BackendMessage };
        }
    }

    /// <summary>Writes the configuration of that time; what is only words about the machine stays.</summary>
    private static void Restore(MachineChange change, SnapshotRecord record)
    {
        var now = change.Config;
        var then = record.Config with { Revision = now.Revision, Name = now.Name, Description = now.Description, Labels = now.Labels, IsTemplate = now.IsTemplate };
        if (!JsonSerializer.SerializeToUtf8Bytes(then, StateJson.Default.MachineConfig).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(now, StateJson.Default.MachineConfig)))
            change.Save(then);
    }

    private static void Note(MachineChange change, SnapshotRecord record)
    {
        var tree = change.Services.State.ReadSnapshots(change.Id);
        if (tree.Current != record.Tag)
            change.Services.State.WriteSnapshots(change.Id, tree with { Current = record.Tag });
        change.PublishChanged(change.Config);
    }
}
