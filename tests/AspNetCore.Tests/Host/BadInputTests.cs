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

    private static async Task RefusedAsync(RunningHost host, HttpMethod method, string path, string? body, string field)
    {
        var response = await host.ChangeAsync(method, "/api/v1" + path, body);
        string text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{path} {body}: {response.StatusCode} {text}");
        Assert.Equal([field], JsonNode.Parse(text)!["fieldErrors"]!.AsObject().Select(error => error.Key));
    }
}
