using System.Net;

namespace Hypervisor.Sdk.AspNetCore.Tests;

public sealed class RestTests
{
    private const string Machine = """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":2,"memory":"256MiB"},"disks":[{"content":{"kind":"blank","size":1073741824}}]}""";

    [Fact]
    [Feature("API-01")]
    [Feature("API-02")]
    public async Task A_machine_is_created_read_started_stopped_and_deleted()
    {
        await using var host = await ApiHost.StartAsync();

        var (created, operation) = await host.PostAsync("/instances/local", Machine, ("Prefer", "wait=10"));
        Assert.Equal(HttpStatusCode.OK, created.StatusCode);
        Assert.Equal("succeeded", (string?)operation["state"]);
        Assert.Equal("web", (string?)operation["result"]!["id"]);
        Assert.Equal(2, Assert.IsType<Sizing.Explicit>(host.Backend.LastSpec!.Sizing).Cpus);
        Assert.Equal(ByteSize.FromGiB(1), Assert.IsType<DiskContent.Blank>(host.Backend.LastSpec.Disks[0].Content).Size);

        var (read, instance) = await host.GetAsync("/instances/local/web");
        Assert.Equal("\"r1\"", read.Headers.ETag!.Tag);
        Assert.Equal("local", (string?)instance["backend"]);
        Assert.Equal("stopped", (string?)instance["state"]);
        Assert.Equal(134217728, (long?)instance["memory"]);

        await host.PostAsync("/instances/local/web/start", null, ("Prefer", "wait=10"));
        Assert.Equal("running", (string?)(await host.GetAsync("/instances/local/web")).Body["state"]);
        await host.PostAsync("/instances/local/web/stop", """{"gracePeriod":1.5,"forceAfterGrace":false}""", ("Prefer", "wait=10"));
        Assert.Equal(TimeSpan.FromSeconds(1.5), host.Backend.LastStop!.GracePeriod);
        Assert.False(host.Backend.LastStop.ForceAfterGrace);

        var (deleted, _) = await host.SendAsync(HttpMethod.Delete, "/instances/local/web?stopFirst=true", null, ("Prefer", "wait=10"));
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.GetAsync("/instances/local/web")).Response.StatusCode);
    }

    [Fact]
    public async Task Every_action_reaches_its_feature()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        foreach (string action in new[] { "restart", "reset", "pause", "resume", "template" })
            Assert.Equal(HttpStatusCode.OK, (await host.PostAsync($"/instances/local/web/{action}", null, ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.SendAsync(HttpMethod.Delete, "/instances/local/web/template", null, ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/instances/local/web/clone", """{"name":"copy","mode":"linked"}""", ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.True(host.Backend.Machines.ContainsKey("copy"));
    }

    [Fact]
    public async Task A_change_is_planned_then_applied_with_the_effects_that_were_accepted()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        var (_, plan) = await host.PostAsync("/instances/local/web/plan", """{"sizing":{"kind":"explicit","cpus":2,"memory":134217728},"description":null}""");
        Assert.Equal("sizing.cpus", (string?)plan["steps"]![0]!["property"]);

        var (refused, problem) = await host.PostAsync("/instances/local/web/apply", $$"""{"plan":{{plan.ToJsonString()}}}""");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("An effect was not accepted.", (string?)problem["detail"]);
        var (applied, _) = await host.PostAsync("/instances/local/web/apply", $$"""{"plan":{{plan.ToJsonString()}},"accept":["atNextStart"]}""", ("Prefer", "wait=10"));
        Assert.Equal(HttpStatusCode.OK, applied.StatusCode);
        Assert.Equal(ChangeEffects.AtNextStart, host.Backend.LastApply!.Accept);

        var (other, mismatch) = await host.PostAsync("/instances/local/elsewhere/apply", $$"""{"plan":{{plan.ToJsonString()}}}""");
        Assert.Equal(HttpStatusCode.BadRequest, other.StatusCode);
        Assert.NotNull(mismatch["fieldErrors"]!["plan.instance"]);
    }

    [Fact]
    public async Task Snapshots_are_taken_listed_reverted_and_deleted()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        await host.PostAsync("/instances/local/web/snapshots", """{"name":"before","includeMemory":true}""", ("Prefer", "wait=10"));
        var (_, list) = await host.GetAsync("/instances/local/web/snapshots");
        Assert.Equal("before", (string?)list["items"]![0]!["name"]);
        Assert.True((bool?)list["items"]![0]!["includesMemory"]);
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/instances/local/web/snapshots/before/revert", null, ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.SendAsync(HttpMethod.Delete, "/instances/local/web/snapshots/before", null, ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.SendAsync(HttpMethod.Delete, "/instances/local/web/snapshots/before")).Response.StatusCode);
    }

    [Fact]
    public async Task A_guest_shows_its_log_screen_metrics_agent_commands_and_native_document()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web", PowerState.Running);
        var token = TestContext.Current.CancellationToken;
        Assert.Equal("ready\n", await host.Http.GetStringAsync("/api/v1/instances/local/web/console/log?tail=6", token));
        var screenshot = await host.Http.GetAsync("/api/v1/instances/local/web/screenshot", token);
        Assert.Equal("image/png", screenshot.Content.Headers.ContentType!.MediaType);
        Assert.Equal(1.5, (double?)(await host.GetAsync("/instances/local/web/metrics")).Body["cpuTime"]);
        Assert.Equal("guest", (string?)(await host.GetAsync("/instances/local/web/guest")).Body["hostName"]);
        Assert.Equal("ls|-l|$(id)x", (string?)(await host.PostAsync("/instances/local/web/commands", """{"command":["ls","-l","$(id)"],"input":"x"}""")).Body["output"]);
        Assert.Equal("bHM=", (string?)(await host.PostAsync("/instances/local/web/commands?encoding=base64", """{"command":["ls"]}""")).Body["output"]);
        Assert.Equal("text/xml", (string?)(await host.GetAsync("/instances/local/web/native")).Body["mediaType"]);
    }

    [Fact]
    [Feature("API-04")]
    public async Task Volumes_are_created_resized_cloned_flattened_uploaded_downloaded_and_deleted()
    {
        await using var host = await ApiHost.StartAsync();
        var token = TestContext.Current.CancellationToken;
        Assert.Equal("main", (string?)(await host.GetAsync("/storage/pools")).Body["items"]![0]!["name"]);
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/storage/local/pools", """{"name":"second"}""", ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/storage/local/pools/main/volumes", """{"name":"a","size":"1MiB"}""", ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal("main/a", (string?)(await host.GetAsync("/storage/local/pools/main/volumes")).Body["items"]![0]!["id"]);
        Assert.Equal(1048576, (long?)(await host.GetAsync("/storage/local/volumes/main%2Fa")).Body["size"]);
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/storage/local/volumes/main%2Fa/resize", """{"size":"2MiB"}""", ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/storage/local/volumes/main%2Fa/clone", """{"target":{"pool":"main","name":"b","size":1048576},"mode":"linked"}""", ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/storage/local/volumes/main%2Fb/flatten", null, ("Prefer", "wait=10"))).Response.StatusCode);
        Assert.Equal([1, 2, 3], await host.Http.GetByteArrayAsync("/api/v1/storage/local/volumes/main%2Fa/content", token));

        var (elsewhere, _) = await host.PostAsync("/storage/local/pools/main/volumes", """{"pool":"other","name":"c","size":1}""");
        Assert.Equal(HttpStatusCode.BadRequest, elsewhere.StatusCode);

        byte[] content = new byte[3 << 20];
        using var upload = new ByteArrayContent(content);
        upload.Headers.Add("Content-Digest", $"sha-256=:{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(content))}:");
        var uploaded = await host.Http.PutAsync("/api/v1/storage/local/pools/main/volumes/up?format=raw", upload, token);
        Assert.Equal(HttpStatusCode.Created, uploaded.StatusCode);
        Assert.Equal(content.Length, host.Backend.Storage.Uploaded);
        Assert.Equal(HttpStatusCode.OK, (await host.SendAsync(HttpMethod.Delete, "/storage/local/volumes/main%2Fa", null, ("Prefer", "wait=10"))).Response.StatusCode);
    }

    [Fact]
    public async Task Backends_are_listed_added_asked_and_removed()
    {
        await using var host = await ApiHost.StartAsync();
        Assert.Equal("local", (string?)(await host.GetAsync("/backends")).Body["items"]![0]!["name"]);
        await host.GetAsync("/backends/local/health");
        var (_, backend) = await host.GetAsync("/backends/local");
        Assert.Equal("connected", (string?)backend["state"]);
        Assert.Equal(["virtualMachines", "storage"], backend["roles"]!.AsArray().Select(role => (string?)role));
        Assert.DoesNotContain("password", backend.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("yes", (string?)(await host.GetAsync("/backends/local/capabilities/snapshots")).Body["support"]);
        var (_, no) = await host.GetAsync("/backends/local/capabilities/live-migration?instance=web");
        Assert.Equal("The fake cannot do it.", (string?)no["reason"]);
        Assert.Equal("here", (string?)(await host.GetAsync("/nodes")).Body["items"]![0]!["name"]);
        Assert.Equal(0.5, (double?)(await host.GetAsync("/nodes/metrics")).Body["items"]![0]!["loadAverage1"]);
        Assert.Equal("user", (string?)(await host.GetAsync("/networks?backend=local")).Body["items"]![0]!["name"]);
        Assert.Equal("debian", (string?)(await host.GetAsync("/images?backend=local")).Body["items"]![0]!["id"]);

        var (refused, problem) = await host.PostAsync("/backends", """{"name":"more","kind":"nonesuch","settings":{"password":"hunter2"}}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.DoesNotContain("hunter2", problem.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await host.SendAsync(HttpMethod.Delete, "/backends/local")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.SendAsync(HttpMethod.Delete, "/backends/local")).Response.StatusCode);
    }

    [Fact]
    [Feature("API-19")]
    public async Task Everything_is_beneath_the_versioned_path_and_nothing_beside_it()
    {
        await using var host = await ApiHost.StartAsync();
        var token = TestContext.Current.CancellationToken;
        Assert.Equal("""{"status":"ok"}""", await host.Http.GetStringAsync("/api/v1/health", token));
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.GetAsync("/health", token)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.GetAsync("/api/v2/health", token)).StatusCode);
    }
}
