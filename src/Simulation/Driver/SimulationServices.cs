using Hypervisor.Sdk.Simulation.Backup;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Clones;
using Hypervisor.Sdk.Simulation.Disks;
using Hypervisor.Sdk.Simulation.Migration;
using Hypervisor.Sdk.Simulation.Snapshots;
using Hypervisor.Sdk.Simulation.Storage;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>What a client can get from a simulated backend. A new feature adds its line.</summary>
internal static class SimulationServices
{
    /// <summary>The roles and features of a client, by the interfaces that they implement; what needs a capability that the personality does not have is left out.</summary>
    public static IReadOnlyList<object> Of(SimulationClient client)
    {
        var can = client.World.Personality.Can;
        List<object> services = [];
        if (can(Capability.VirtualMachines))
            services.Add(new SimulatedHypervisor(client));
        if (can(Capability.RequestLog))
            services.Add(new RequestService(client));
        if (can(Capability.Containers))
        {
            services.Add(new SimulatedContainers(client));
            services.Add(new PortForwardService(client));
        }

        if (can(Capability.GuestAgent))
        {
            services.Add(new CommandService(client));
            services.Add(new ExecService(client));
            services.Add(new GuestFileService(client));
            services.Add(new GuestAgentService(client));
        }

        if (can(Capability.SerialConsole))
            services.Add(new SerialConsoleService(client));
        if (can(Capability.GraphicsConsole))
        {
            services.Add(new GraphicsService(client));
            services.Add(new KeyboardService(client));
        }

        services.Add(new MetricsService(client));
        services.Add(new ImageService(client));
        services.Add(new BackupService(client));
        services.Add(new DocumentService(client));
        if (can(Capability.Snapshots))
            services.Add(new SnapshotService(client));
        if (can(Capability.LiveMigration))
            services.Add(new MigrationService(client));
        if (can(SimulationPersonality.MoveDisks))
        {
            services.Add(new DiskService(client));
            services.Add(new DiskExportService(client));
        }

        if (client.World.Personality.HasPools)
            services.Add(new StorageService(client));
        if (client.World.Personality.SuspendsToDisk)
            services.Add(new SuspendService(client));
        services.Add(new PowerService(client));
        services.Add(new CloneService(client));
        services.Add(new LaneHintService(client));
        services.Add(new NodeService(client));
        services.Add(new NetworkService(client));
        return services;
    }
}
