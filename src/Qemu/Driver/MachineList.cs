using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>The list of machines: from what is in memory and one look at each directory, never a question to a QEMU that is watched already. In the order of ids, by which it goes on.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineList(QemuServices services, MachineTable table, InstanceFilter? filter) : PagedList<Instance>
{
    public override async Task<Page<Instance>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        if (continuation is not null && !MachineIds.IsValid(continuation))
            throw new ArgumentException($"'{DiskMaker.Echo(continuation)}' continues no list of this backend.", nameof(continuation));
        var position = services.Events.Position;
        var items = new List<Instance>();
        string? next = null;
        foreach (string id in table.Ids().Where(id => MachineIds.IsValid(id) && string.CompareOrdinal(id, continuation) > 0))
        {
            if (items.Count == maxItems)
            {
                next = items[^1].Id.ToString();
                break;
            }

            if (await table.FindAsync(id, cancellationToken).ConfigureAwait(false) is { } instance && (filter?.Matches(instance) ?? true))
                items.Add(instance);
        }

        return new Page<Instance> { Items = items, Continuation = next, Position = position };
    }
}
