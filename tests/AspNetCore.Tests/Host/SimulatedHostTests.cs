using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The reference host on a simulated data centre, as <c>./run --simulate</c> starts it: without root, without QEMU.</summary>
public sealed class SimulatedHostTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Sixty_machines_run_on_three_nodes_and_can_be_changed()
    {
        await using var host = await RunningHost.StartAsync(words: "--simulate");
        await host.SignInAsync();
        var backend = await host.Services.GetRequiredService<IBackendRegistry>().GetAsync(BackendName.Parse("local"), Token);
        await using (var watch = await backend.Get<IHypervisor>().WatchAsync(new WatchOptions { IncludeSnapshot = true }, Token))
        {
            var running = new HashSet<InstanceId>();
            await foreach (var next in watch.WithCancellation(Token))
            {
                if (next is InstanceObserved { Instance: var seen } && seen.State == PowerState.Running)
                    running.Add(seen.Id);
                else if (next is InstanceStateChanged changed && changed.To == PowerState.Running)
                    running.Add(changed.Id);
                if (running.Count >= 50)
                    break;
            }
        }

        var load = await backend.Get<IMetrics>().SampleNodesAsync(Token).ToListAsync(Token);
        Assert.Equal(3, load.Count);
        Assert.All(load, node => Assert.True(node.LoadAverage1 > 0, $"Nothing is done on '{node.Node}'."));

        var page = JsonNode.Parse(await host.Http.GetStringAsync("/api/v1/instances?limit=100", Token))!;
        var items = page["items"]!.AsArray();
        Assert.Equal(60, items.Count);
        Assert.Equal(3, items.Select(item => (string?)item!["node"]).Distinct().Count());
        using var deleted = await host.ChangeAsync(HttpMethod.Delete, $"/api/v1/instances/local/{items[0]!["id"]}?stopFirst=true");
        Assert.True(deleted.IsSuccessStatusCode, await deleted.Content.ReadAsStringAsync(Token));
    }
}
