using System.Globalization;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>The list of instances in the order of their making, by which it goes on.</summary>
internal sealed class InstanceList(SimulationClient client, InstanceKind kind, InstanceFilter? filter) : PagedList<Instance>
{
    public override Task<Page<Instance>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        cancellationToken.ThrowIfCancellationRequested();
        long after = 0;
        if (continuation is not null && !long.TryParse(continuation, NumberStyles.None, CultureInfo.InvariantCulture, out after))
            throw new ArgumentException("The continuation continues no list of this backend.", nameof(continuation));
        return client.World.Calls.EnterAsync(client, "list", "", continuation is null ? null : () => $"after={continuation}", () => Task.FromResult(MakePage(after, maxItems)));
    }

    private Page<Instance> MakePage(long after, int maxItems)
    {
        var world = client.World;
        var all = world.Instances;
        var items = new List<Instance>(Math.Min(maxItems, all.Count));
        string? next = null;
        long last = after;
        for (int i = world.IndexAfter(after); i < all.Count; i++)
        {
            var instance = all[i];
            if (items.Count == maxItems)
            {
                next = last.ToString(CultureInfo.InvariantCulture);
                break;
            }

            last = instance.Number;
            if (instance.Kind == kind && instance.Node.IsReachable && (filter?.Matches(instance.View) ?? true))
                items.Add(instance.View);
        }

        return new Page<Instance>
        {
            Items = items,
            Continuation = next,
            Position = world.Events.Position,
            Unreachable = [.. world.Nodes.Values.Where(node => !node.IsReachable && (filter?.Node is null || filter.Node == node.Name)).Select(node => world.Unreachable(node, null))],
        };
    }
}
