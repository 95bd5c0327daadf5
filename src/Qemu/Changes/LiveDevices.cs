using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>What a running QEMU has, by its own words. That may be other than what is written down: something waits for the next start, or a guest gave a device up late.</summary>
/// <param name="Devices">The ids of the devices.</param>
/// <param name="Disks">The disks that the block layer has open, with the size that it shows.</param>
[SupportedOSPlatform("linux")]
internal sealed record LiveDevices(IReadOnlySet<string> Devices, IReadOnlyDictionary<string, long> Disks)
{
    private const string Peripherals = "/machine/peripheral";

    /// <summary>The places for processors, taken and free, as QEMU numbers them; none where the machine takes none.</summary>
    public IReadOnlyList<LiveCpu> Cpus { get; init; } = [];

    /// <summary>Whether a processor can be taken from it. Not while TCG runs it: QEMU (7.2) then ends by "free(): invalid pointer", now or at the next plug.</summary>
    public bool GivesUpCpus { get; init; }

    /// <summary>The memory that it was given, what was plugged in included.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>How much it can be given while it runs; 0 where it takes none.</summary>
    public long MaxMemoryBytes { get; init; }

    /// <summary>Asks QEMU.</summary>
    public static async Task<LiveDevices> QueryAsync(QmpClient client, CancellationToken cancellationToken)
    {
        var devices = await client.QomListAsync(Peripherals, cancellationToken).ConfigureAwait(false);
        var nodes = await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false);
        var (cpus, memory) = (await CpusAsync(client, cancellationToken).ConfigureAwait(false), await client.QueryMemorySizeSummaryAsync(cancellationToken).ConfigureAwait(false));
        return new LiveDevices(
            devices.Where(device => device.Type.StartsWith("child<", StringComparison.Ordinal)).Select(device => device.Name).ToHashSet(StringComparer.Ordinal),
            nodes.Where(node => node.NodeName is not null).ToDictionary(node => node.NodeName!, node => node.Image.VirtualSize, StringComparer.Ordinal))
        {
            Cpus = cpus,
            GivesUpCpus = (await client.QueryKvmAsync(cancellationToken).ConfigureAwait(false)).Enabled,
            MemoryBytes = (long)(memory.BaseMemory + (memory.PluggedMemory ?? 0)),
            MaxMemoryBytes = await MaxMemoryAsync(client, cancellationToken).ConfigureAwait(false),
        };
    }

    private static async Task<IReadOnlyList<LiveCpu>> CpusAsync(QmpClient client, CancellationToken cancellationToken)
    {
        try
        {
            var places = await client.QueryHotpluggableCpusAsync(cancellationToken).ConfigureAwait(false);
            return
            [
                .. places.OrderBy(place => place.Props.SocketId ?? 0).ThenBy(place => place.Props.DieId ?? 0).ThenBy(place => place.Props.CoreId ?? 0).ThenBy(place => place.Props.ThreadId ?? 0)
                    .Select(place => new LiveCpu(place.Type, BlockNode.Write(place.Props.WriteMembers), place.QomPath is not null)),
            ];
        }
        catch (HypervisorException error) when (error.BackendCode == "GenericError")
        {
            // A machine of a type that takes no processors says so that way.
            return [];
        }
    }

    /// <summary>The board's own word about its memory, QAPI MemorySizeConfiguration: only where there are slots can something be plugged in.</summary>
    private static async Task<long> MaxMemoryAsync(QmpClient client, CancellationToken cancellationToken)
    {
        var memory = (await client.QomGetAsync("/machine", "memory", cancellationToken).ConfigureAwait(false)).Json;
        return memory.TryGetProperty("slots", out var slots) && slots.GetInt64() > 0 && memory.TryGetProperty("max-size", out var most) ? most.GetInt64() : 0;
    }
}
