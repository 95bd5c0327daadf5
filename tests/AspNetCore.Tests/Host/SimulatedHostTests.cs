using System.Text.Json.Nodes;
using Hypervisor.Sdk.Jobs;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The reference host on a simulated data centre, as <c>./run --simulate</c> starts it: without root, without QEMU.</summary>
public sealed class SimulatedHostTests
{
    private const string Spec = """
        { "kind": "virtualMachine", "name": "fenced", "sizing": { "kind": "explicit", "cpus": 1, "memory": "64MiB" }, "disks": [{ "content": { "kind": "blank", "size": "16MiB" } }] }
        """;

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

    [Fact(Timeout = 120_000)]
    public async Task The_fencing_token_of_a_job_reaches_the_backend()
    {
        await using var host = await RunningHost.StartAsync(words: "--simulate");
        await host.SignInAsync();
        var machines = (await host.Services.GetRequiredService<IBackendRegistry>().GetAsync(BackendName.Parse("local"), Token)).Get<IHypervisor>();
        using var made = await host.ChangeAsync(HttpMethod.Post, "/api/v1/instances/local", Spec);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync(Token));
        var fenced = (await machines.List().ToListAsync(Token)).Single(machine => machine.Name.ToString() == "fenced");
        using var started = await host.ChangeAsync(HttpMethod.Post, $"/api/v1/instances/local/{fenced.Id}/start");
        Assert.True(started.IsSuccessStatusCode, await started.Content.ReadAsStringAsync(Token));
        // Somebody whose lock is older comes too late.
        var late = await Assert.ThrowsAsync<HypervisorException>(() => machines.StopAsync(fenced.Id, null, new RequestOptions { FencingToken = 1 }, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Conflict, late.Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_schedule_that_this_host_cannot_fire_is_listed_with_the_reason_and_hides_no_other()
    {
        await using var host = await RunningHost.StartAsync(words: "--simulate");
        await host.SignInAsync();
        var store = host.Services.GetRequiredService<IJobStore>();
        foreach (var (name, cron, zone) in new[] { ("far", "@daily", "Europe/Nowhere"), ("odd", "no times", "UTC") })
            await store.PutScheduleAsync(new StoredSchedule { Schedule = new JobSchedule { Name = name, Cron = cron, Zone = zone, NextAt = DateTimeOffset.MaxValue.AddYears(-1) }, Type = "tidy-jobs", Args = "{}" }, Token);
        var rows = JsonNode.Parse(await host.Http.GetStringAsync("/jobs", Token))!["schedules"]!.AsArray().ToDictionary(row => (string)row!["name"]!);
        Assert.Contains("Europe/Nowhere", (string?)rows["far"]!["error"], StringComparison.Ordinal);
        Assert.NotEqual("", (string?)rows["odd"]!["error"] ?? "");
        Assert.Null(rows["tidy-jobs"]!["error"]);
        Assert.Equal(5, rows["tidy-jobs"]!["next"]!.AsArray().Count);
    }
}
