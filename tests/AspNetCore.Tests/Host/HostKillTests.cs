using System.Net;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The reference host, killed for real in the middle of what it does to a real machine.</summary>
[Peer("qemu")]
public sealed class HostKillTests
{
    private const string Machines = "/api/v1/instances/local";
    private const string Begun = "waiting for the guest to shut down";

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("JOB-06")]
    public async Task A_stop_in_the_middle_of_which_the_host_is_killed_is_done_by_the_next_start()
    {
        RealPeer.Program("qemu-system-x86_64");
        using var directory = new TempDirectory();
        string state = directory["state"];
        try
        {
            string id;
            await using (var host = await HostProcess.StartAsync(state, "--page", directory["page"]))
            {
                id = await MakeAsync(host);
                // Its BIOS hears no power button: the host waits until the time is up, and then switches off.
                var (status, answer) = await host.ChangeAsync(HttpMethod.Post, $"{Machines}/{id}/stop", """{"gracePeriod":20}""");
                Assert.True(status == HttpStatusCode.Accepted, answer);
                await host.WatchJobsUntilAsync(all => Stop(all) is { } job && (IsEnded(job) || ((string?)job["progress"])?.Contains(Begun, StringComparison.Ordinal) is true));
                await host.KillAsync();
            }

            await using (var next = await HostProcess.StartAsync(state, "--page", directory["page"]))
            {
                var (jobs, told) = await next.WatchJobsUntilAsync(all => all.Count(IsMachine) == 3 && all.Where(IsMachine).All(IsEnded));
                Assert.All(jobs.Values.Where(IsMachine), job => Assert.True((string?)job["state"] == "completed", told));
                TestContext.Current.TestOutputHelper?.WriteLine($"The stop took {(int)Stop(jobs.Values)!["attempts"]!} attempts.");
                var there = Assert.Single((await next.GetAsync("/api/v1/instances?limit=100"))["items"]!.AsArray());
                Assert.Equal((id, "stopped"), ((string?)there!["id"], (string?)there["state"]));
            }
        }
        finally
        {
            await HostProcess.ResetAsync(state);
        }
    }

    private static async Task<string> MakeAsync(HostProcess host)
    {
        var spec = new JsonObject
        {
            ["kind"] = "virtualMachine",
            ["name"] = "kept-up",
            ["sizing"] = new JsonObject { ["kind"] = "explicit", ["cpus"] = 1, ["memory"] = "64MiB" },
            ["disks"] = new JsonArray(new JsonObject { ["content"] = new JsonObject { ["kind"] = "blank", ["size"] = "16MiB" } }),
        };
        var (_, made) = await host.ChangeAsync(HttpMethod.Post, Machines, spec.ToJsonString(), waits: true);
        string id = (string?)JsonNode.Parse(made)!["result"]?["id"] ?? throw new InvalidOperationException(made);
        var (_, started) = await host.ChangeAsync(HttpMethod.Post, $"{Machines}/{id}/start", waits: true);
        Assert.True((string?)JsonNode.Parse(started)!["state"] == "succeeded", started);
        return id;
    }

    private static JsonNode? Stop(IEnumerable<JsonNode> jobs) => jobs.FirstOrDefault(job => IsMachine(job) && ((string?)job["progress"])?.StartsWith("stop instance", StringComparison.Ordinal) is true);

    private static bool IsMachine(JsonNode job) => (string?)job["type"] == "machine";

    private static bool IsEnded(JsonNode job) => job["endedAt"] is not null;
}
