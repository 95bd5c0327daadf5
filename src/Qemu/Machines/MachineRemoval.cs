using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Removes a machine, under its lock. One rename to <c>trash/</c> is the moment at which it is gone; everything after that can be repeated, and is when a crash interrupts it.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class MachineRemoval
{
    private const int MaxGoneBytes = 4 << 20;

    /// <summary>How many journals of deleted machines are kept.</summary>
    private const int KeptGone = 512;

    /// <summary>Removes the machine whose directory is in <c>vms/</c>.</summary>
    /// <param name="services">The driver's parts.</param>
    /// <param name="hold">The machine's lock.</param>
    /// <param name="outcome">How the operation that is open in its journal ended.</param>
    /// <param name="error">Why, when it failed.</param>
    public static void Remove(QemuServices services, MachineHold hold, string outcome, HypervisorException? error = null)
    {
        string id = hold.Machine.Id;
        services.Runtime.Remove(id);
        services.Limits.Remove(id);
        services.State.Root.Rename(StateDirectory.Machine(id), StateDirectory.Trash(id));
        hold.Machine.Forget();
        Finish(services, hold, outcome, error);
    }

    /// <summary>Finishes the removal of a machine whose directory is in <c>trash/</c>.</summary>
    public static void Finish(QemuServices services, MachineHold hold, string outcome, HypervisorException? error = null)
    {
        string id = hold.Machine.Id;
        var state = services.State;
        var root = state.Root;
        string trash = StateDirectory.Trash(id);
        services.Runtime.Remove(id);
        var config = ReadConfig(root, trash);
        if (config is null)
            state.ReleaseNames(id);
        else
            state.ReleaseName(id, config.Name);
        KeepDisks(state, trash, config);
        // The disks first: on a full disk, the record needs their space.
        state.RemoveTree($"{trash}/disks");
        foreach (string log in (string[])["console.log", "qemu.log", "tpm.log"])
            root.Delete($"{trash}/{log}");
        try
        {
            Record(services, id, outcome, error);
        }
        catch (HypervisorException full) when (full.Code == ErrorCode.Exhausted && outcome != JournalOutcomes.Succeeded)
        {
            // Nothing was made and nothing says so: the request was never seen, which is as true.
        }

        state.RemoveTree(trash);
        ForgetOldest(services);
        state.Reserve.Take();
        if (root.Find($"locks/{id}.watch") is not null)
            root.Delete($"locks/{id}.watch");
        hold.RemoveLock();
    }

    /// <summary>The journal of a machine that is no longer there; null when none is kept.</summary>
    public static IReadOnlyList<JournalEntry>? ReadGone(StateDirectory state, string id) =>
        state.Root.Read(StateDirectory.Gone(id), MaxGoneBytes) is { } content ? JsonSerializer.Deserialize(content, StateJson.Default.ListJournalEntry) : null;

    /// <summary>When the oldest of the deleted machines went whose journal is kept; null when none was dropped yet.</summary>
    public static DateTimeOffset? OldestKept(StateDirectory state)
    {
        var gone = state.List("gone");
        return gone.Count < KeptGone ? null : gone.Min(id => state.Root.Find(StateDirectory.Gone(id))?.ModifiedAt);
    }

    private static void Record(QemuServices services, string id, string outcome, HypervisorException? error)
    {
        string trash = StateDirectory.Trash(id);
        var root = services.State.Root;
        var journal = MachineJournal.Read(root, $"{trash}/journal");
        if (journal.Entries.Count == 0)
            return;
        foreach (var open in journal.Open.ToList())
            journal.End(open.Operation, outcome, services.Time.GetUtcNow(), error);
        root.AtomicWrite($"{trash}/gone", JsonSerializer.SerializeToUtf8Bytes([.. journal.Entries], StateJson.Default.ListJournalEntry));
        root.Rename($"{trash}/gone", StateDirectory.Gone(id), replace: true);
    }

    private static MachineConfig? ReadConfig(RootedDirectory root, string trash) =>
        root.Read($"{trash}/config.json", MaxGoneBytes) is { } content ? JsonSerializer.Deserialize(content, StateJson.Default.MachineConfig) : null;

    /// <summary>Disks of the machine's own that its maker wanted to keep outlive it in <c>kept/</c>, with the images below them.</summary>
    private static void KeepDisks(StateDirectory state, string trash, MachineConfig? config)
    {
        foreach (var disk in (config?.Disks ?? []).Where(disk => disk is { File: not null, DeleteWithMachine: false }))
        {
            state.Root.CreateDirectory("kept");
            state.Root.CreateDirectory($"kept/{config!.Id}");
            foreach (string file in disk.Backing.Select(below => below.File).Append(disk.File).OfType<string>())
            {
                if (state.Root.Find($"{trash}/disks/{file}") is not null)
                    state.Root.Rename($"{trash}/disks/{file}", $"kept/{config.Id}/{file}");
            }
        }
    }

    private static void ForgetOldest(QemuServices services)
    {
        var root = services.State.Root;
        var gone = services.State.List("gone");
        if (gone.Count <= KeptGone)
            return;
        foreach (string id in gone.OrderBy(id => root.Find(StateDirectory.Gone(id))?.ModifiedAt ?? default).Take(gone.Count - KeptGone))
            root.Delete(StateDirectory.Gone(id));
    }
}
