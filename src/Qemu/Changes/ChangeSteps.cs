using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>
/// Does the steps of a plan under the machine's lock. What a step does comes before the configuration is written, what it clears away after. So the configuration says what is done, and a step that was interrupted is finished or
/// undone by looking at what QEMU and the disks have: by the same code when it fails and after a crash.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class ChangeSteps
{
    /// <summary>What comes before the configuration is written.</summary>
    public static async Task PrepareAsync(MachineChange change, ChangeStep step, DiskMaker disks, Func<MachineConfig, CancellationToken, Task> claimName, CancellationToken cancellationToken)
    {
        change.Progress.Say(step.ToString());
        switch (step.Kind)
        {
            case StepKind.Rename:
                await claimName(step.ApplyTo(change.Config), cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.AddDisk:
                await MakeAsync(change, step, disks, cancellationToken).ConfigureAwait(false);
                if (step.ByQemu)
                    await DevicePlug.AddAsync(change, step.Disk!, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.ResizeDisk:
                await ResizeAsync(change, step, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.LimitDisk when step.ByQemu:
                await DiskThrottle.ApplyAsync(change, step.Disk!, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.ChangeMedium when step.ByQemu:
                await CdDrive.ChangeAsync(change, step.Disk!, force: false, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.RemoveDisk when step.ByQemu:
                await DevicePlug.UnplugAsync(change, step.Disk!.Id, cancellationToken).ConfigureAwait(false);
                await DevicePlug.CloseDiskAsync(change, step.Disk, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.RemoveDisk when change.ReadLiveRecord() is not null:
                await DevicePlug.CloseDiskAsync(change, step.Disk!, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.AddNetwork when step.ByQemu:
                await DevicePlug.AddAsync(change, step.Network!, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.PlugCpu:
            case StepKind.PlugMemory:
                change.Services.Limits.Apply(step.ApplyTo(change.Config), null);
                await MemberPlug.AddAsync(change, step, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.UnplugCpu:
            case StepKind.UnplugMemory:
                await MemberPlug.RemoveAsync(change, step, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.RemoveSeed when step.ByQemu:
                if (step.Disk!.IsCd)
                    await CdDrive.ChangeAsync(change, step.Disk, force: false, cancellationToken).ConfigureAwait(false);
                else
                    await DevicePlug.UnplugAsync(change, step.Disk.Id, cancellationToken).ConfigureAwait(false);
                await DevicePlug.CloseDiskAsync(change, step.Disk, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.Balloon when step.ByQemu:
                await MemoryBalloon.AskAsync(change, step.TargetBytes, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.RemoveNetwork when step.ByQemu:
                await DevicePlug.UnplugAsync(change, step.Network!.Id, cancellationToken).ConfigureAwait(false);
                await DevicePlug.CloseNetworkAsync(change, step.Network.Id, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>Writes the configuration after a step.</summary>
    public static void Save(MachineChange change, ChangeStep step)
    {
        var now = change.Config;
        var next = step.ApplyTo(now);
        change.Save(step.IsPending ? next with { StartRevision = now.Revision + 1 } : next);
    }

    /// <summary>What comes after the configuration was written. Can be done again.</summary>
    public static void ClearAway(MachineChange change, ChangeStep step)
    {
        if (step.Kind == StepKind.Rename && change.Config.Name != step.From)
            change.Services.State.ReleaseName(change.Id, step.From!);
        else if (step.Kind is StepKind.UnplugCpu or StepKind.UnplugMemory)
            change.Services.Limits.Apply(change.Config, null);
        else if (step.Kind == StepKind.RemoveDisk)
            DisposeOf(change, step.Disk!);
        else if (step.Kind == StepKind.RemoveSeed)
            SeedMaker.Delete(change);
        else if (step.Kind == StepKind.AddDisk)
            ExistingVolumes.Release(change, [step.Disk!]);
    }

    /// <summary>Finishes or undoes a step that was interrupted before the configuration was written.</summary>
    /// <returns>Whether it is finished.</returns>
    public static async Task<bool> SettleAsync(MachineChange change, ChangeStep step, CancellationToken cancellationToken)
    {
        var live = change.ReadLiveRecord() is null ? null : await LiveDevices.QueryAsync(await change.MonitorAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        switch (step.Kind)
        {
            case StepKind.Rename:
                change.Services.State.ReleaseName(change.Id, step.To!);
                return false;
            case StepKind.AddDisk when live?.Devices.Contains(step.Disk!.Id) ?? false:
                await DiskThrottle.ApplyAsync(change, step.Disk!, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.AddNetwork when live?.Devices.Contains(step.Network!.Id) ?? false:
                break;
            case StepKind.AddDisk:
                if (live is not null)
                    await DevicePlug.CloseDiskAsync(change, step.Disk!, cancellationToken).ConfigureAwait(false);
                foreach (string file in OwnFilesOf(step.Disk!))
                    change.Root.Delete(StateDirectory.Disk(change.Id, file));
                return false;
            case StepKind.AddNetwork:
                if (live is not null && step.ByQemu)
                    await DevicePlug.CloseNetworkAsync(change, step.Network!.Id, cancellationToken).ConfigureAwait(false);
                return false;
            case StepKind.LimitDisk when live?.Devices.Contains(step.Disk!.Id) ?? false:
                await DiskThrottle.ApplyAsync(change, Now(change, step), cancellationToken).ConfigureAwait(false);
                return false;
            case StepKind.ChangeMedium when live?.Devices.Contains(step.Disk!.Id) ?? false:
                await CdDrive.ChangeAsync(change, Now(change, step), force: true, cancellationToken).ConfigureAwait(false);
                return false;
            case StepKind.Balloon when live?.Devices.Contains(MemoryBalloon.Device) ?? false:
                await MemoryBalloon.ApplyAsync(change, cancellationToken).ConfigureAwait(false);
                return false;
            case StepKind.ResizeDisk:
                if (SizeNow(change, step.Disk!, live) < step.SizeBytes)
                    return false;
                break;
            case StepKind.RemoveDisk when step.ByQemu && live is not null && !live.Devices.Contains(step.Disk!.Id):
                await DevicePlug.CloseDiskAsync(change, step.Disk, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.RemoveSeed when step.ByQemu && live is not null:
                if (step.Disk!.IsCd ? !await CdDrive.IsEmptyAsync(change, step.Disk.Id, cancellationToken).ConfigureAwait(false) : live.Devices.Contains(step.Disk.Id))
                    return false;
                await DevicePlug.CloseDiskAsync(change, step.Disk, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.RemoveNetwork when step.ByQemu && live is not null && !live.Devices.Contains(step.Network!.Id):
                await DevicePlug.CloseNetworkAsync(change, step.Network.Id, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.PlugCpu when live?.Devices.Contains(step.Cpu!.Id) ?? false:
            case StepKind.UnplugCpu when live is not null && !live.Devices.Contains(step.Cpu!.Id):
            case StepKind.PlugMemory when live?.Devices.Contains(step.Dimm!.Id) ?? false:
                break;
            case StepKind.UnplugMemory when live is not null && !live.Devices.Contains(step.Dimm!.Id):
                await MemberPlug.ReleaseAsync(change, step.Dimm, cancellationToken).ConfigureAwait(false);
                break;
            case StepKind.PlugMemory when live is not null:
                await MemberPlug.ReleaseAsync(change, step.Dimm!, cancellationToken).ConfigureAwait(false);
                return false;
            default:
                return false;
        }

        Save(change, step);
        ClearAway(change, step);
        return true;
    }

    /// <summary>The disk of a step as it is written down.</summary>
    private static DiskConfig Now(MachineChange change, ChangeStep step) => change.Config.Disks.First(disk => disk.Id == step.Disk!.Id);

    private static async Task MakeAsync(MachineChange change, ChangeStep step, DiskMaker disks, CancellationToken cancellationToken)
    {
        var disk = step.Disk!;
        if (disk.File is null)
            return;
        if (step.CopyOf is { } image)
            await disks.CopyAsync(change, disk, image, cancellationToken).ConfigureAwait(false);
        else
            await disks.MakeAsync(change, disk, cancellationToken).ConfigureAwait(false);
        change.Root.FlushDirectory(StateDirectory.Disks(change.Id));
        foreach (string file in OwnFilesOf(disk))
            change.Services.Host.RunAs?.Own(Path.Combine(change.Services.State.Path, StateDirectory.Disk(change.Id, file)));
    }

    private static IEnumerable<string> OwnFilesOf(DiskConfig disk) => disk.Backing.Select(below => below.File).Prepend(disk.File).OfType<string>();

    private static async Task ResizeAsync(MachineChange change, ChangeStep step, CancellationToken cancellationToken)
    {
        var disk = step.Disk!;
        if (step.ByQemu)
        {
            var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
            await change.Root.EffectAsync($"resize disk in QEMU {change.Id}/{disk.Id}", async () => await client.BlockResizeAsync(step.SizeBytes, nodeName: disk.NodeName, cancellationToken: cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            return;
        }

        string path = StateDirectory.Disk(change.Id, disk.File!);
        using var file = change.Root.OpenFile(path, FileAccess.ReadWrite);
        var image = DiskImage.InFile(file, disk.Format).WithPassphrase(await DiskKeys.GetAsync(change.Services, disk.Passphrase, cancellationToken).ConfigureAwait(false));
        await change.Root.EffectAsync($"resize image {path}", () => change.Services.Images.ResizeAsync(image, new ByteSize(step.SizeBytes), cancellationToken)).ConfigureAwait(false);
        change.Root.FlushFile(file, path);
    }

    private static long SizeNow(MachineChange change, DiskConfig disk, LiveDevices? live)
    {
        if (live is not null && live.Disks.TryGetValue(disk.NodeName, out long size))
            return size;
        using var file = change.Root.OpenFile(StateDirectory.Disk(change.Id, disk.File!));
        return disk.Format == ImageFormat.Qcow2 ? Qcow2Header.Read(file).Size.Bytes : RootedDirectory.FactsOf(file).Length;
    }

    /// <summary>Deletes the content of a disk that was the machine's own, or moves it to <c>kept/</c> when its maker wanted that. What another disk needs stays.</summary>
    private static void DisposeOf(MachineChange change, DiskConfig disk)
    {
        var root = change.Root;
        var needed = change.Config.Disks.SelectMany(other => other.Backing.Select(below => below.File).Append(other.File)).ToHashSet();
        foreach (string file in disk.Backing.Select(below => below.File).Append(disk.File).OfType<string>().Where(file => !needed.Contains(file)))
        {
            string path = StateDirectory.Disk(change.Id, file);
            if (root.Find(path) is null)
                continue;
            if (disk.DeleteWithMachine)
            {
                root.Delete(path);
                continue;
            }

            string kept = $"kept/{change.Id}";
            root.CreateDirectory("kept");
            root.CreateDirectory(kept);
            string name = file;
            for (int number = 2; root.Find($"{kept}/{name}") is not null; number++)
                name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(file)}-{number}{Path.GetExtension(file)}");
            root.Rename(path, $"{kept}/{name}");
        }
    }
}
