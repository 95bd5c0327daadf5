using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>What a running QEMU has, by its own words. That may be other than what is written down: something waits for the next start, or a guest gave a device up late.</summary>
/// <param name="Devices">The ids of the devices.</param>
/// <param name="Disks">The disks that the block layer has open, with the size that it shows.</param>
internal sealed record LiveDevices(IReadOnlySet<string> Devices, IReadOnlyDictionary<string, long> Disks)
{
    private const string Peripherals = "/machine/peripheral";

    /// <summary>Asks QEMU.</summary>
    public static async Task<LiveDevices> QueryAsync(QmpClient client, CancellationToken cancellationToken)
    {
        var devices = await client.QomListAsync(Peripherals, cancellationToken).ConfigureAwait(false);
        var nodes = await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false);
        return new LiveDevices(
            devices.Where(device => device.Type.StartsWith("child<", StringComparison.Ordinal)).Select(device => device.Name).ToHashSet(StringComparer.Ordinal),
            nodes.Where(node => node.NodeName is not null).ToDictionary(node => node.NodeName!, node => node.Image.VirtualSize, StringComparer.Ordinal));
    }
}
