using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Hypervisor.Sdk.Libvirt.Tests.Lab;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The reference host over a real libvirt daemon.</summary>
[Peer("libvirt")]
public sealed class LibvirtHostTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private Process? _daemon;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        LibvirtdProcess.Require(out string program);
        _daemon = LibvirtdProcess.Start(program, _directory, "listen_tls = 0");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
            await LibvirtdProcess.StopAsync(_daemon);
        _directory.Dispose();
    }

    [Fact(Timeout = 240_000)]
    public async Task The_machines_of_a_libvirt_daemon_are_made_started_and_deleted_over_REST()
    {
        // libvirt's own driver for tests: what a daemon holds for whoever is connected.
        await using var host = await RunningHost.StartAsync(words: ["--libvirt", $"test+unix:///default?socket={_directory["s/libvirt-sock"]}"]);
        await host.SignInAsync();
        var backend = await ReadAsync(await host.SendAsync(HttpMethod.Get, "/api/v1/backends/libvirt"));
        Assert.Equal("libvirt", (string?)backend["kind"]);
        // The machine that the daemon has from the beginning.
        var all = (await ReadAsync(await host.SendAsync(HttpMethod.Get, "/api/v1/instances?limit=100")))["items"]!.AsArray();
        Assert.Equal("test", (string?)Assert.Single(all)!["name"]);

        var spec = new JsonObject
        {
            ["kind"] = "virtualMachine", ["name"] = "rest", ["sizing"] = new JsonObject { ["kind"] = "explicit", ["cpus"] = 1, ["memory"] = "64MiB" },
            ["extensions"] = new JsonObject { ["libvirt"] = new JsonObject { ["isAutostarted"] = true } },
        };
        var created = await ReadAsync(await host.ChangeAsync(HttpMethod.Post, "/api/v1/instances/libvirt", spec.ToJsonString()));
        Assert.True((string?)created["state"] == "succeeded", created.ToJsonString());
        string one = $"/api/v1/instances/libvirt/{(string)created["result"]!["id"]!}";
        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Post, one + "/start")))["state"]);
        Assert.Equal("running", (string?)(await ReadAsync(await host.SendAsync(HttpMethod.Get, one)))["state"]);
        Assert.Equal("succeeded", (string?)(await ReadAsync(await host.ChangeAsync(HttpMethod.Delete, one + "?stopFirst=true")))["state"]);
        Assert.Equal(HttpStatusCode.NotFound, (await host.SendAsync(HttpMethod.Get, one)).StatusCode);
    }

    [Theory]
    [InlineData("the transport 'rsh' is not supported", "--libvirt", "qemu+rsh://host/system")]
    [InlineData("is not an address of libvirt", "--libvirt", "somewhere")]
    [InlineData("needs a value", "--libvirt")]
    [InlineData("does not go with --libvirt", "--libvirt", "qemu:///system", "--lxd", "/run/lxd.socket", "--shared", "/srv/panel")]
    public void An_address_that_is_none_is_refused_with_the_reason(string reason, params string[] words)
    {
        Assert.False(HostOptions.TryParse(words, out _, out string? problem));
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    private static async Task<JsonObject> ReadAsync(HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }
}
