using System.Buffers.Text;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>What the real drivers refuse, as it is answered over REST; and what only a driver knows, as it gets to it.</summary>
[Peer("qemu")]
public sealed class BadInputTests
{
    private const string Machine = """ "kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":"64MiB"} """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 90_000)]
    public async Task What_a_driver_refuses_is_400_and_names_the_field()
    {
        RealPeer.Program("qemu-system-x86_64");
        await using var host = await RunningHost.StartAsync();
        await host.SignInAsync();
        await RefusedAsync(host, HttpMethod.Get, "/storage/storage/pools/main/volumes?continuation=AAAA", null, "continuation");
        await RefusedAsync(host, HttpMethod.Get, "/instances?continuation=" + Base64Url.EncodeToString(Encoding.UTF8.GetBytes("local\n0\n../x")), null, "continuation");
        await RefusedAsync(host, HttpMethod.Post, "/instances/local", "{" + Machine + ""","extensions":{"qemu":{"typo":true}}}""", "extensions.qemu.typo");
        await RefusedAsync(host, HttpMethod.Post, "/instances/local", "{" + Machine + ""","extensions":{"qemu":{"serialPorts":"two"}}}""", "extensions.qemu.serialPorts");
        await RefusedAsync(host, HttpMethod.Post, "/instances/local", "{" + Machine + ""","extensions":{"qemu":{"serialPorts":99}}}""", "extensions.qemu.serialPorts");
        await RefusedAsync(host, HttpMethod.Post, "/instances/local", "{" + Machine + ""","extensions":{"qemu":null}}""", "extensions.qemu");
        await RefusedAsync(host, HttpMethod.Post, "/instances/local", "{" + Machine + ""","extensions":{"qemu":{"graphics":false},"nope":{"a":1}}}""", "extensions.nope");
        Assert.Empty(JsonNode.Parse(await host.Http.GetStringAsync("/api/v1/instances", Token))!["items"]!.AsArray());
    }

    [Fact(Timeout = 90_000)]
    public async Task A_backend_whose_settings_the_driver_refuses_says_which()
    {
        RealPeer.Program("qemu-system-x86_64");
        await using var host = await ApiHost.StartAsync(services => services.AddHypervisorSdk().AddQemu("other", qemu => qemu.StateDirectory = "/nowhere"));
        Assert.Equal(HttpStatusCode.Created, (await host.PostAsync("/backends", """{"name":"q1","kind":"qemu","settings":{"stateDirectory":"relative"}}""")).Response.StatusCode);
        var (response, problem) = await host.GetAsync("/backends/q1/health");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(["stateDirectory"], problem["fieldErrors"]!.AsObject().Select(error => error.Key));
    }

    [Fact(Timeout = 90_000)]
    public async Task Settings_of_the_drivers_own_arrive_in_the_machine()
    {
        RealPeer.Program("qemu-system-x86_64");
        await using var host = await RunningHost.StartAsync();
        await host.SignInAsync();
        var made = await host.ChangeAsync(HttpMethod.Post, "/api/v1/instances/local", "{" + Machine + ""","disks":[{"content":{"kind":"blank","size":"16MiB"}}],"extensions":{"qemu":{"serialPorts":2,"translationCache":"16MiB"}}}""");
        string text = await made.Content.ReadAsStringAsync(Token);
        Assert.True(made.StatusCode == HttpStatusCode.OK, text);
        string one = $"/api/v1/instances/local/{JsonNode.Parse(text)!["result"]!["id"]}";
        var native = JsonNode.Parse(await host.Http.GetStringAsync(one + "/native", Token))!;
        string arguments = Encoding.UTF8.GetString(Convert.FromBase64String((string)native["content"]!));
        Assert.Contains("serial1", arguments, StringComparison.Ordinal);
        Assert.Contains("tb-size=16", arguments, StringComparison.Ordinal);
        Assert.True((await host.ChangeAsync(HttpMethod.Delete, one)).IsSuccessStatusCode);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("qemu", "qemuSystem", "/tmp/x.sh")]
    [InlineData("qemu", "QemuImg", "/tmp/x.sh")]
    [InlineData("qemu", "runAsUser", "root")]
    [InlineData("qemu", "attachDirectories", "/dev")]
    [InlineData("qemu", "imageDirectories", "STATE/machines:/etc")]
    [InlineData("qemu", "stateDirectory", "STATE/../elsewhere")]
    [InlineData("directory", "QemuImg", "/tmp/x.sh")]
    [InlineData("directory", "Pools.root", "/")]
    public async Task What_would_reach_beyond_the_hosts_own_directories_is_not_set_over_REST(string kind, string setting, string value)
    {
        await using var host = await RunningHost.StartAsync();
        await host.SignInAsync();
        var definition = new JsonObject { ["name"] = "q1", ["kind"] = kind, ["settings"] = new JsonObject { [setting] = value.Replace("STATE", host.StatePath, StringComparison.Ordinal) } };
        var response = await host.ChangeAsync(HttpMethod.Post, "/api/v1/backends", definition.ToJsonString());
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal([setting], JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!["fieldErrors"]!.AsObject().Select(error => error.Key));
        Assert.Equal(HttpStatusCode.NotFound, (await host.SendAsync(HttpMethod.Get, "/api/v1/backends/q1")).StatusCode);
        definition["settings"] = kind == "qemu" ? new JsonObject { ["stateDirectory"] = host.StatePath + "/machines" } : new JsonObject { ["Pools.one"] = host.StatePath + "/disks" };
        Assert.Equal(HttpStatusCode.Created, (await host.ChangeAsync(HttpMethod.Post, "/api/v1/backends", definition.ToJsonString())).StatusCode);
    }

    private static async Task RefusedAsync(RunningHost host, HttpMethod method, string path, string? body, string field)
    {
        var response = await host.ChangeAsync(method, "/api/v1" + path, body);
        string text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{path} {body}: {response.StatusCode} {text}");
        Assert.Equal([field], JsonNode.Parse(text)!["fieldErrors"]!.AsObject().Select(error => error.Key));
    }
}
