using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// Whose a machine is that moves. One file in the source's directory decides it, <c>vms/ID/moved</c>, which holds the number of the move: before it is written the machine is the source's, afterwards the target's. It is written
/// under the lock of the source, which was held since the move began; so who holds that lock, and finds no file, knows that none will come. (A target in the same process holds its own lock meanwhile, and may look without the source's; one in
/// another process asks, and is answered under it.) The target alone may give it back, and only when its QEMU has ended and has not run the guest
/// (<see cref="MigrationWitness"/>): until it has taken the machine, the source keeps its QEMU, which stands still.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class MigrationDecision
{
    private const int MaxBytes = 4 << 20;

    private static string FileOf(string directory) => $"{directory}/moved";

    /// <summary>Gives the machine to the target: the moment of the move.</summary>
    public static void Give(MachineChange source, Guid migration)
    {
        try
        {
            source.Root.AtomicWrite(FileOf(StateDirectory.Machine(source.Id)), Encoding.UTF8.GetBytes(migration.ToString("D")));
        }
        catch (HypervisorException) when (IsGiven(source.Root, source.Id, migration))
        {
            // It is in place, and only the flush of its directory failed: everybody who looks sees it.
        }
    }

    /// <summary>Takes back what was given: the target's QEMU has ended and the guest has not run there. Under the locks of both sides. Can be done again.</summary>
    public static void TakeBack(RootedDirectory source, string id) => source.Delete(FileOf(StateDirectory.Machine(id)));

    /// <summary>The same from the target's side, when nobody changes the machine at the source.</summary>
    /// <returns>False when it cannot be done now.</returns>
    public static bool TryTakeBack(string id, IncomingMachine incoming)
    {
        using var source = RootedDirectory.Open(incoming.SourceState!);
        return TryTakeBack(source, id);
    }

    /// <summary>The same in the source's directory.</summary>
    public static bool TryTakeBack(RootedDirectory source, string id)
    {
        using var hold = MachineLock.TryTake(source, id);
        if (hold is null || source.Find(StateDirectory.Machine(id)) is null)
            return false;
        TakeBack(source, id);
        // Who watches that directory looks again.
        hold.Touch();
        return true;
    }

    /// <summary>Whether anything says at the source that its machine was given to somebody.</summary>
    public static bool IsGivenAway(RootedDirectory source, string id) => source.Find(FileOf(StateDirectory.Machine(id))) is not null;

    /// <summary>As the source: its word on a move. Who takes the machine's lock and finds it not given knows that it never will be: the move that could give it held that lock from its beginning.</summary>
    /// <returns>Null when somebody else holds the lock: it may be given yet.</returns>
    public static MigrationVerdict? Judge(StateDirectory state, string id, Guid migration)
    {
        bool isGiven = IsGiven(state.Root, id, migration);
        if (!isGiven)
        {
            using var hold = state.TryLock(id);
            if (hold is null)
                return null;
            isGiven = IsGiven(state.Root, id, migration);
            if (state.Root.Find(StateDirectory.Machine(id)) is null && state.Root.Find(StateDirectory.Trash(id)) is null)
                hold.Remove();
        }

        return new MigrationVerdict { Identity = state.Identity(), Migration = migration, IsGiven = isGiven, IsSourceUp = IsUp(state.Root, id) };
    }

    /// <summary>Whether the source's QEMU is there, which may have memory that the target needs; null when that directory cannot be looked at.</summary>
    public static bool? IsSourceUp(string id, IncomingMachine incoming)
    {
        if (!Directory.Exists(incoming.SourceState))
            return null;
        try
        {
            using var source = RootedDirectory.Open(incoming.SourceState!);
            return IsUp(source, id);
        }
        catch (HypervisorException)
        {
            return null;
        }
    }

    private static bool IsUp(RootedDirectory source, string id)
    {
        var record = source.Read(StateDirectory.ProcessFile(id), MaxBytes) is { } content ? JsonSerializer.Deserialize(content, StateJson.Default.ProcessRecord) : null;
        using var process = record is null ? null : Machine.Hold(record);
        return process is not null;
    }

    /// <summary>Whether the target has taken what was given to it, so that nothing of it is needed at the source any more; null when the target's directory cannot be looked at, and it has to wait.</summary>
    public static bool? IsTaken(string id, MigrationIntent intent)
    {
        if (intent.TargetState is not { } path)
            return true;
        if (!Directory.Exists(path))
            return null;
        try
        {
            using var target = RootedDirectory.Open(path);
            return target.Read(StateDirectory.ConfigFile(id), MaxBytes) is not { } content
                || JsonSerializer.Deserialize(content, StateJson.Default.MachineConfig)?.Incoming?.Migration != intent.Migration;
        }
        catch (HypervisorException)
        {
            return null;
        }
    }

    /// <summary>Whether the machine was given to the target of a move, as the source's directory says.</summary>
    public static bool IsGiven(RootedDirectory source, string id, Guid migration)
    {
        // In the order in which a directory goes: what is renamed between two looks is seen at the second.
        foreach (string directory in (string[])[StateDirectory.Machine(id), StateDirectory.Trash(id)])
        {
            if (source.Read(FileOf(directory), MaxBytes) is { } content && Guid.TryParse(Encoding.UTF8.GetString(content), out var given) && given == migration)
                return true;
        }

        if (source.Read(StateDirectory.Gone(id), MaxBytes) is not { } journal || JsonSerializer.Deserialize(journal, StateJson.Default.ListJournalEntry) is not { } entries)
            return false;
        return entries.Exists(entry => entry.Kind == WorkKinds.Migrate && IntentOf(entry)?.Migration == migration
            && entries.Exists(end => end.Operation == entry.Operation && end.Outcome == JournalOutcomes.Succeeded));
    }

    /// <summary>Whether a machine that is coming has been given to its target; null when the source's directory cannot be looked at, and it has to wait.</summary>
    public static bool? IsGiven(string id, IncomingMachine incoming)
    {
        if (!Directory.Exists(incoming.SourceState))
            return null;
        try
        {
            using var source = RootedDirectory.Open(incoming.SourceState!);
            return IsGiven(source, id, incoming.Migration);
        }
        catch (HypervisorException)
        {
            return null;
        }
    }

    /// <summary>What the journal keeps of a move.</summary>
    public static MigrationIntent? IntentOf(JournalEntry entry) => entry is { Kind: WorkKinds.Migrate, Intent: { } intent } ? JsonSerializer.Deserialize(intent, StateJson.Default.MigrationIntent) : null;
}
