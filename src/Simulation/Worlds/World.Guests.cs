using System.Collections.ObjectModel;
using Hypervisor.Sdk.Simulation.Backup;
using Hypervisor.Sdk.Simulation.Guests;

namespace Hypervisor.Sdk.Simulation.Worlds;

/// <content>What is in guests.</content>
internal sealed partial class World
{
    private GuestNode? _guestRoot;
    private ReadOnlyDictionary<string, SimulatedProgram>? _programs;

    /// <summary>The files that every guest begins with.</summary>
    public GuestNode GuestRoot => _guestRoot ??= GuestImageTree.Make(Options.Start);

    /// <summary>The application's own programs in guests.</summary>
    public IReadOnlyDictionary<string, SimulatedProgram> GuestPrograms => _programs ??= new(new Dictionary<string, SimulatedProgram>(Options.Guests.Programs, StringComparer.Ordinal));

    /// <summary>The files in an instance at this moment; null where nobody has ever looked into it.</summary>
    public static GuestNode? FilesOf(SimInstance instance) => instance.Guest?.Find<GuestSystem>()?.Files.Root;

    /// <summary>Puts other content on the disks of an instance: of a snapshot, of what it was cloned from.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="files">What <see cref="FilesOf"/> answered at the time.</param>
    public void PutFiles(SimInstance instance, GuestNode? files)
    {
        if (files is not null || FilesOf(instance) is not null)
            GuestOf(instance).Get<GuestSystem>().Files.Restore(files ?? GuestRoot);
        // What was backed up is not what is there now.
        instance.Guest?.Find<GuestDisks>()?.Forget();
    }

    /// <summary>The system in an instance that runs and can be spoken to from outside.</summary>
    /// <exception cref="HypervisorException">There is no such instance, it does not run, or nothing in it answers.</exception>
    public GuestSystem RequireGuest(InstanceId id)
    {
        var instance = Require(id);
        if (instance.State != PowerState.Running && instance.State != PowerState.Paused)
            throw Error(ErrorCode.InvalidState, RequestOutcome.Rejected, $"'{instance.Name}' is {instance.State} and runs nothing.", instance.Text);
        var guest = GuestOf(instance);
        if (instance.Kind == InstanceKind.VirtualMachine && (!guest.IsUp || guest.IsAgentSilent || instance.State == PowerState.Paused))
            throw Error(ErrorCode.Unavailable, RequestOutcome.NotSent, $"The guest agent of '{instance.Name}' does not answer{(guest.IsUp ? "" : ": it has not booted yet")}.", instance.Text);
        return guest.Get<GuestSystem>();
    }
}
