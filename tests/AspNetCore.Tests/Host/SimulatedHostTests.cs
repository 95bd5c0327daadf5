using System.Text.Json.Nodes;
using Hypervisor.Sdk.Jobs;
using Hypervisor.Sdk.Jobs.Stores;
using Hypervisor.Sdk.ReferenceHost;
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
    [Feature("EVT-01")]
    [Feature("EVT-02")]
    public async Task What_a_request_begins_is_told_as_it_happens_beside_all_else_over_one_socket()
    {
        await using var host = await RunningHost.StartAsync(words: "--simulate");
        await host.SignInAsync();
        using var made = await host.ChangeAsync(HttpMethod.Post, "/api/v1/instances/local", Spec);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync(Token));
        var machines = (await host.Services.GetRequiredService<IBackendRegistry>().GetAsync(BackendName.Parse("local"), Token)).Get<IHypervisor>();
        var id = (await machines.List().ToListAsync(Token)).Single(machine => machine.Name.ToString() == "fenced").Id;
        await using var socket = await host.ConnectAsync(host.Origin);
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        while ((string?)(await socket.ReceiveAsync("event", 1))["event"]!["kind"] != "synchronized")
        {
            // Every machine that is there.
        }

        await socket.SendAsync("""{"op":"open","channel":2,"kind":"metrics","interval":1}""");
        // The answer does not wait for the machine to run: it names the operation, which is followed over the same socket.
        using var begun = await host.SendAsync(HttpMethod.Post, $"/api/v1/instances/local/{id}/start", null, (RequestGuard.CsrfHeader, host.Csrf), ("Prefer", "respond-async"));
        Assert.True(begun.IsSuccessStatusCode, await begun.Content.ReadAsStringAsync(Token));
        string operation = (string)JsonNode.Parse(await begun.Content.ReadAsStringAsync(Token))!["id"]!;
        await socket.SendAsync($$"""{"op":"open","channel":3,"kind":"operation","id":"{{operation}}"}""");
        bool isTold = false, hasEnded = false, isMeasured = false;
        while (!isTold || !hasEnded || !isMeasured)
        {
            var message = await socket.ReceiveAsync();
            Assert.True(message.Close is null, $"The socket was closed: {message.Close} {message.Reason}");
            if (message.Json is not { } json)
                continue;
            var (op, channel) = ((string?)json["op"], (int?)json["channel"]);
            isMeasured |= channel == 2 && op == "metrics" && json["instances"]!.AsArray().Count > 0;
            hasEnded |= channel == 3 && op == "operation" && (string?)json["operation"]!["state"] == "succeeded";
            isTold |= channel == 1 && op == "event" && json["event"] is { } told && (string?)told["id"] == id.ToString() && (string?)told["kind"] == "instanceStateChanged" && (string?)told["to"] == "running";
        }
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
