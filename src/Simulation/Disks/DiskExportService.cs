#pragma warning disable HVSDK004 // Experimental: the simulation has them too.
using System.Net;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Driver;
using Hypervisor.Sdk.Simulation.Snapshots;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Disks;

/// <summary>Says where a disk could be read, and refuses what cannot be: nothing is served there.</summary>
internal sealed class DiskExportService(SimulationClient client) : FeatureService(client), IDiskExports
{
    /// <summary>The port that NBD has by itself.</summary>
    private const int Port = 10809;

    public async Task<DiskExport> ExportAsync(InstanceId id, DeviceId disk, DiskExportOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (disk.IsDefault)
            throw new ArgumentException("A disk is needed.", nameof(disk));
        var (listen, quiesce) = (options?.Listen, options?.Quiesce ?? false);
        cancellationToken.ThrowIfCancellationRequested();
        var address = await EnterAsync("export-disk", id, null, $"{disk} {listen?.ToString() ?? "-"} {(quiesce ? "quiesce" : "-")}", () => Task.FromResult(Accept(World.Require(id), disk, listen, quiesce))).ConfigureAwait(false);
        return new Export(address);
    }

    private Uri Accept(SimInstance instance, DeviceId disk, IPAddress? listen, bool quiesce)
    {
        var found = instance.Config.Disks.FirstOrDefault(known => known.Id == disk) ?? throw World.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"'{instance.Name}' has no disk '{disk}'", null, "disk");
        if (found.ReadOnly)
            throw World.Refused(ErrorCode.Unsupported, $"'{instance.Name}' cannot write to '{disk}': it stays what it is, and can be read where it is.", instance.Text);
        if (!instance.IsUp)
            throw InvalidState(instance, "does not run: start it first");
        if (quiesce)
            SnapshotService.RefuseSilent(World, instance);
        string name = Uri.EscapeDataString(disk.ToString());
        return listen is null ? new Uri($"nbd+unix:///{name}?socket=/run/simulation/{Uri.EscapeDataString(instance.Text)}.sock") : new UriBuilder("nbds", listen.ToString(), Port, name).Uri;
    }

    private sealed class Export(Uri address) : DiskExport
    {
        public override Uri Address => address;

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
