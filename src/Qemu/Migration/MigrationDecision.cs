using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// Whose a machine is that moves. One file in the source's directory decides it, <c>vms/ID/moved</c>, which holds the number of the move: before it is written the machine is the source's, afterwards the target's. It is written
/// under the locks of both sides; so who holds the lock of either, and finds no file, knows that none will come.
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
            using var source = RootedDirectory.Open(incoming.SourceState);
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
