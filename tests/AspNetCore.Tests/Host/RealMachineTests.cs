using System.Net;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>A real machine's life over the reference host's REST and WebSocket, in QEMU.</summary>
[Peer("qemu")]
public sealed class RealMachineTests
{
    [Fact(Timeout = 120_000)]
    [Feature("API-02")]
    [Feature("API-13")]
    [Feature("CON-08")]
    [Feature("EVT-03")]
    [Feature("MON-06")]
    [Feature("OPS-13")]
    public async Task A_machine_is_created_booted_typed_to_measured_snapshotted_and_deleted()
    {
        var guest = await PrepareAsync();
        using var directory = new TempDirectory();
        await using var host = await RunningHost.StartAsync(directory, words: ["--guest", guest.DirectoryPath]);
        await using var cleanup = new Cleanup(host);
        await host.SignInAsync();
        await using var socket = await host.ConnectAsync(host.Origin);
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        await socket.ReceiveAsync("opened", 1);
        Assert.Equal(Environment.MachineName, (string?)(await ReadAsync(await host.SendAsync(HttpMethod.Get, "/api/v1/nodes")))["items"]![0]!["name"]);

        string id = await CreateAsync(host, guest);
        string one = $"/api/v1/instances/local/{id}";
        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Post, one + "/start")))["state"]);
        await socket.SendAsync($$"""{"op":"open","channel":2,"kind":"serial","backend":"local","instance":"{{id}}","takeOver":true,"replay":65536}""");
        await socket.ReceiveTextUntilAsync(2, GuestImage.Prompt);
        await socket.SendBytesAsync(2, "echo $((6*7))-rest\n"u8);
        await socket.ReceiveTextUntilAsync(2, "42-rest");
        Assert.Contains(GuestImage.ReadyText, await host.Http.GetStringAsync(one + "/console/log", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.NotNull((await ReadAsync(await host.SendAsync(HttpMethod.Get, one + "/metrics")))["cpuTime"]);
        await socket.SendAsync($$"""{"op":"open","channel":3,"kind":"graphics","backend":"local","instance":"{{id}}"}""");
        Assert.StartsWith("RFB 003.", await socket.ReceiveTextUntilAsync(3, "\n"), StringComparison.Ordinal);

        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Post, one + "/snapshots", """{"name":"s1","includeMemory":true}""")))["state"]);
        Assert.Equal("s1", (string?)(await ReadAsync(await host.SendAsync(HttpMethod.Get, one + "/snapshots")))["items"]![0]!["name"]);
        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Post, one + "/snapshots/s1/revert")))["state"]);
        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Delete, one + "?stopFirst=true")))["state"]);
        Assert.Equal(HttpStatusCode.NotFound, (await host.SendAsync(HttpMethod.Get, one)).StatusCode);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_host_that_comes_back_finds_its_machine_still_running()
    {
        var guest = await PrepareAsync();
        using var directory = new TempDirectory();
        string one;
        string? started;
        await using (var host = await RunningHost.StartAsync(directory, words: ["--guest", guest.DirectoryPath]))
        {
            await host.SignInAsync();
            one = $"/api/v1/instances/local/{await CreateAsync(host, guest)}";
            await host.ChangeAsync(HttpMethod.Post, one + "/start");
            started = (string?)(await ReadAsync(await host.SendAsync(HttpMethod.Get, one)))["startedAt"];
            Assert.NotNull(started);
        }

        await using var again = await RunningHost.StartAsync(directory, words: ["--guest", guest.DirectoryPath]);
        await using var cleanup = new Cleanup(again);
        await again.SignInAsync();
        var found = await ReadAsync(await again.SendAsync(HttpMethod.Get, one));
        Assert.Equal("running", (string?)found["state"]);
        Assert.Equal(started, (string?)found["startedAt"]);
        await using var socket = await again.ConnectAsync(again.Origin);
        await socket.SendAsync($$"""{"op":"open","channel":1,"kind":"serial","backend":"local","instance":"{{found["id"]}}","replay":65536}""");
        await socket.ReceiveTextUntilAsync(1, GuestImage.Prompt);
    }

    private static async Task<GuestImage> PrepareAsync()
    {
        RealPeer.Program("qemu-system-x86_64");
        return await GuestImage.GetAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string> CreateAsync(RunningHost host, GuestImage guest)
    {
        var spec = new JsonObject
        {
            ["kind"] = "virtualMachine",
            ["name"] = "rest",
            ["sizing"] = new JsonObject { ["kind"] = "explicit", ["cpus"] = 1, ["memory"] = GuestImage.MinimumMemoryBytes },
            ["boot"] = new JsonObject { ["kind"] = "kernel", ["kernelPath"] = guest.KernelPath, ["initrdPath"] = guest.InitrdPath, ["commandLine"] = GuestImage.CommandLine },
            ["disks"] = new JsonArray(new JsonObject { ["content"] = new JsonObject { ["kind"] = "blank", ["size"] = "16MiB" } }),
        };
        var created = await ReadAsync(await host.ChangeAsync(HttpMethod.Post, "/api/v1/instances/local", spec.ToJsonString()));
        Assert.True((string?)created["state"] == "succeeded", created.ToJsonString());
        return (string)created["result"]!["id"]!;
    }

    private static async Task<JsonObject> ReadAsync(HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>A test that fails leaves no machine running.</summary>
    private sealed class Cleanup(RunningHost host) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await ReferenceHost.Machines.DeleteAllAsync(host.Services.GetRequiredService<IBackendRegistry>());
    }
}
