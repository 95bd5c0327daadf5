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
    [Feature("OPS-13")]
    public async Task A_machine_is_created_booted_typed_to_measured_snapshotted_and_deleted()
    {
        RealPeer.Program("qemu-system-x86_64");
        var guest = await GuestImage.GetAsync(TestContext.Current.CancellationToken);
        await using var host = await RunningHost.StartAsync(words: ["--guest", guest.DirectoryPath]);
        await host.SignInAsync();
        await using var socket = await host.ConnectAsync(host.Origin);
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        await socket.ReceiveAsync("opened", 1);
        Assert.Equal(Environment.MachineName, (string?)(await ReadAsync(await host.SendAsync(HttpMethod.Get, "/api/v1/nodes")))["items"]![0]!["name"]);

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
        string one = $"/api/v1/instances/local/{created["result"]!["id"]}";
        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Post, one + "/start")))["state"]);

        await socket.SendAsync($$"""{"op":"open","channel":2,"kind":"serial","backend":"local","instance":"{{created["result"]!["id"]}}","takeOver":true,"replay":65536}""");
        await socket.ReceiveTextUntilAsync(2, GuestImage.Prompt);
        await socket.SendBytesAsync(2, "echo $((6*7))-rest\n"u8);
        await socket.ReceiveTextUntilAsync(2, "42-rest");
        Assert.Contains(GuestImage.ReadyText, await host.Http.GetStringAsync(one + "/console/log", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.NotNull((await ReadAsync(await host.SendAsync(HttpMethod.Get, one + "/metrics")))["cpuTime"]);

        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Post, one + "/snapshots", """{"name":"s1","includeMemory":true}""")))["state"]);
        Assert.Equal("s1", (string?)(await ReadAsync(await host.SendAsync(HttpMethod.Get, one + "/snapshots")))["items"]![0]!["name"]);
        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Delete, one + "?stopFirst=true")))["state"]);
        Assert.Equal(HttpStatusCode.NotFound, (await host.SendAsync(HttpMethod.Get, one)).StatusCode);
    }

    private static async Task<JsonObject> ReadAsync(HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }
}
