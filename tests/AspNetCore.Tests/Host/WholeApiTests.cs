using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Hypervisor.Sdk.Storage.Directory;
using Hypervisor.Sdk.Testing.Lxd;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>Every operation that the API's description names, called once with success on the reference host over real QEMU, a real LXD and a real storage directory.</summary>
[Peer("qemu")]
[Peer("lxd")]
public sealed class WholeApiTests : IAsyncLifetime
{
    private const string Api = "/api/v1";

    private readonly TempDirectory _directory = new();
    private readonly HashSet<(string Method, string Path)> _succeeded = [];
    private RunningHost _host = null!;
    private GuestImage _guest = null!;
    private PrivateServer _containers = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        RealPeer.Program("qemu-system-x86_64");
        _guest = await GuestImage.GetAsync(Token);
        _containers = await PrivateServer.StartAsync(ServerKind.Lxd, hasOwnNetwork: true, watch: null, Token);
        _host = await RunningHost.StartAsync(_directory, words: ["--guest", _guest.DirectoryPath, "--allow-directory", _directory["extra"], "--lxd", _containers.Socket]);
        await _host.SignInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await ReferenceHost.Machines.DeleteAllAsync(_host.Services.GetRequiredService<IBackendRegistry>());
            await _host.DisposeAsync();
        }

        if (_containers is not null)
            await _containers.DisposeAsync();
        _directory.Dispose();
    }

    [Fact(Timeout = 300_000)]
    [Feature("QA-02")]
    [Feature("QA-18")]
    [Feature("CMP-09")]
    [Feature("CMP-11")]
    [Feature("CON-14")]
    [Feature("API-04")]
    [Feature("CTR-13")]
    public async Task Every_operation_of_the_API_succeeds_against_real_machines_and_disks()
    {
        var description = await GetAsync("/openapi.json");
        await GetAsync("/health");
        await AskBackendsAsync();
        await KeepVolumesAsync();
        await LiveMachineAsync();
        await CopyMachineAsync();
        await ContainerAsync();
        await ChangeAsync(HttpMethod.Delete, "/backends/extra", null);

        var missing = description["paths"]!.AsObject()
            .SelectMany(path => path.Value!.AsObject().Select(operation => (Method: operation.Key.ToUpperInvariant(), Path: path.Key, Id: (string?)operation.Value!["operationId"])))
            .Where(operation => !_succeeded.Any(called => called.Method == operation.Method && Matches(operation.Path, called.Path)))
            .Select(operation => $"{operation.Id}: {operation.Method} {operation.Path}");
        Assert.Empty(missing);
    }

    private static bool Matches(string template, string path)
    {
        string[] expected = template[(template.StartsWith(Api, StringComparison.Ordinal) ? Api.Length : 0)..].Split('/');
        string[] actual = path.Split('/');
        return expected.Length == actual.Length && expected.Zip(actual).All(segment => segment.First.StartsWith('{') || segment.First == segment.Second);
    }

    private async Task AskBackendsAsync()
    {
        Assert.Equal(3, (await GetAsync("/backends"))["items"]!.AsArray().Count);
        Assert.Equal("qemu", (string?)(await GetAsync("/backends/local"))["kind"]);
        Assert.True((bool?)(await GetAsync("/backends/local/health"))["isHealthy"]);
        Assert.Equal("yes", (string?)(await GetAsync("/backends/local/capabilities/snapshots"))["support"]);
        Assert.Single((await GetAsync("/nodes"))["items"]!.AsArray());
        Assert.NotEmpty((await GetAsync("/networks"))["items"]!.AsArray());
        Assert.NotEmpty((await GetAsync("/images"))["items"]!.AsArray());
        Assert.True((double?)(await GetAsync("/nodes/metrics"))["items"]![0]!["loadAverage1"] >= 0);
        Directory.CreateDirectory(_directory["extra/one"]);
        Directory.CreateDirectory(_directory["extra/new"]);
        var settings = new JsonObject
        {
            ["name"] = "extra",
            ["kind"] = DirectoryStorageBackend.Kind,
            ["settings"] = new JsonObject { ["Pools.one"] = _directory["extra/one"], ["NewPoolsDirectory"] = _directory["extra/new"] },
        };
        await ChangeAsync(HttpMethod.Post, "/backends", settings.ToJsonString());
    }

    private async Task KeepVolumesAsync()
    {
        Assert.Contains((await GetAsync("/storage/pools"))["items"]!.AsArray(), pool => (string?)pool!["name"] == "main");
        await WorkAsync(HttpMethod.Post, "/storage/extra/pools", """{"name":"second"}""");
        await WorkAsync(HttpMethod.Post, "/storage/extra/pools/second/volumes", """{"name":"blank","size":"1MiB"}""");
        var volumes = await GetAsync("/storage/extra/pools/second/volumes");
        string blank = Uri.EscapeDataString((string)volumes["items"]![0]!["id"]!);
        await WorkAsync(HttpMethod.Post, $"/storage/extra/volumes/{blank}/resize", """{"size":"2MiB"}""");
        Assert.Equal(2 << 20, (long?)(await GetAsync($"/storage/extra/volumes/{blank}"))["size"]);

        byte[] content = RandomNumberGenerator.GetBytes(1 << 20);
        using var upload = new HttpRequestMessage(HttpMethod.Put, Api + "/storage/extra/pools/second/volumes/sent?format=raw") { Content = new ByteArrayContent(content) };
        upload.Content.Headers.Add("Content-Digest", $"sha-256=:{Convert.ToBase64String(SHA256.HashData(content))}:");
        upload.Headers.Add(ReferenceHost.RequestGuard.CsrfHeader, _host.Csrf);
        var sent = JsonNode.Parse(await CheckAsync(await _host.Http.SendAsync(upload, Token), "PUT", "/storage/extra/pools/second/volumes/sent"))!;
        string sentId = Uri.EscapeDataString((string)sent["id"]!);
        Assert.Equal(content, await _host.Http.GetByteArrayAsync($"{Api}/storage/extra/volumes/{sentId}/content", Token));
        _succeeded.Add(("GET", $"/storage/extra/volumes/{sentId}/content"));

        await WorkAsync(HttpMethod.Post, $"/storage/extra/volumes/{blank}/clone", """{"target":{"pool":"second","name":"linked","size":"2MiB"},"mode":"linked"}""");
        var all = (await GetAsync("/storage/extra/pools/second/volumes"))["items"]!.AsArray();
        string linked = Uri.EscapeDataString((string)all.Single(volume => (string?)volume!["name"] is { } name && name.StartsWith("linked", StringComparison.Ordinal))!["id"]!);
        await WorkAsync(HttpMethod.Post, $"/storage/extra/volumes/{linked}/flatten", null);
        foreach (string id in new[] { linked, sentId, blank })
            await WorkAsync(HttpMethod.Delete, $"/storage/extra/volumes/{id}", null);
        Assert.Empty((await GetAsync("/storage/extra/pools/second/volumes"))["items"]!.AsArray());
    }

    private async Task LiveMachineAsync()
    {
        string one = await CreateAsync("whole");
        Assert.Contains((await GetAsync("/instances"))["items"]!.AsArray(), instance => (string?)instance!["name"] == "whole");
        await WorkAsync(HttpMethod.Post, one + "/start", null);
        await BootedAsync(one);
        Assert.Equal("running", (string?)(await GetAsync(one))["state"]);
        Assert.NotNull((await GetAsync(one + "/metrics"))["cpuTime"]);
        Assert.NotNull((await GetAsync(one + "/native"))["content"]);
        await AgentAsync(one);
        var ran = await ChangeAsync(HttpMethod.Post, one + "/commands", """{"command":["echo","from within"]}""");
        Assert.Equal(0, (int?)ran["exitCode"]);
        byte[] picture = await _host.Http.GetByteArrayAsync(Api + one + "/screenshot", Token);
        Assert.Equal("PNG"u8.ToArray(), picture[1..4]);
        _succeeded.Add(("GET", one + "/screenshot"));
        await WatchScreenAsync(one);
        await OpenSocketAsync();

        var plan = await ChangeAsync(HttpMethod.Post, one + "/plan", """{"labels":{"role":"web"},"resizeDisks":{"disk0":"32MiB"}}""");
        await WorkAsync(HttpMethod.Post, one + "/apply", new JsonObject { ["plan"] = plan.DeepClone() }.ToJsonString());
        Assert.Equal("web", (string?)(await GetAsync(one))["labels"]!["role"]);
        await WorkAsync(HttpMethod.Post, one + "/pause", null);
        await WorkAsync(HttpMethod.Post, one + "/resume", null);
        await WorkAsync(HttpMethod.Post, one + "/snapshots", """{"name":"s1","includeMemory":true}""");
        Assert.Equal("s1", (string?)(await GetAsync(one + "/snapshots"))["items"]![0]!["name"]);
        await WorkAsync(HttpMethod.Post, one + "/snapshots/s1/revert", null);
        await WorkAsync(HttpMethod.Delete, one + "/snapshots/s1", null);
        await WorkAsync(HttpMethod.Post, one + "/reset", null);
        await WorkAsync(HttpMethod.Post, one + "/restart", """{"gracePeriod":0}""");
        await CancelStopAsync();
        await WorkAsync(HttpMethod.Post, one + "/stop", """{"gracePeriod":0}""");
        await WorkAsync(HttpMethod.Delete, one, null);
    }

    /// <summary>A BIOS that finds nothing to boot does not hear the power button: the stop goes on until it is cancelled.</summary>
    private async Task CancelStopAsync()
    {
        string one = await CreateAsync("deaf", boots: false);
        await WorkAsync(HttpMethod.Post, one + "/start", null);
        var begun = await _host.SendAsync(HttpMethod.Post, Api + one + "/stop", """{"gracePeriod":600}""", (ReferenceHost.RequestGuard.CsrfHeader, _host.Csrf));
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        string operation = $"/operations/{JsonNode.Parse(await CheckAsync(begun, "POST", one + "/stop"))!["id"]}";
        Assert.Equal("running", (string?)(await GetAsync(operation))["state"]);
        await ChangeAsync(HttpMethod.Post, operation + "/cancel", null);
        var ended = JsonNode.Parse(await CheckAsync(await _host.SendAsync(HttpMethod.Get, Api + operation, null, ("Prefer", "wait=60")), "GET", operation))!;
        Assert.Equal("cancelled", (string?)ended["state"]);
        await WorkAsync(HttpMethod.Post, one + "/stop", """{"gracePeriod":0}""");
        await WorkAsync(HttpMethod.Delete, one, null);
    }

    private async Task CopyMachineAsync()
    {
        string one = await CreateAsync("pattern");
        await WorkAsync(HttpMethod.Post, one + "/template", null);
        string name = (string)(await GetAsync("/backends/local/instance-name?pattern=web-{number:2}"))["name"]!;
        Assert.Equal("web-01", name);
        var clone = await WorkAsync(HttpMethod.Post, one + "/clone", $$"""{"name":"{{name}}","mode":"linked","sizing":{"kind":"explicit","cpus":2,"memory":"96MiB"},"resizeDisks":{"disk0":"64MiB"} }""");
        string made = $"/instances/local/{clone["result"]!["id"]}";
        var instance = await GetAsync(made);
        Assert.Equal((2, 96 << 20, 64 << 20), ((int?)instance["cpus"], (int?)instance["memory"], (int?)instance["disks"]![0]!["size"]));
        await WorkAsync(HttpMethod.Delete, made, null);
        await WorkAsync(HttpMethod.Delete, one + "/template", null);
        await WorkAsync(HttpMethod.Delete, one, null);
    }

    private async Task ContainerAsync()
    {
        var made = await WorkAsync(HttpMethod.Post, "/instances/lxd", """{"kind":"container","name":"whole","image":"busybox","memoryLimit":"64MiB"}""");
        string one = $"/instances/lxd/{made["result"]!["id"]}";
        Assert.Equal(("container", "stopped"), ((string?)(await GetAsync(one))["kind"], (string?)(await GetAsync(one))["state"]));
        await WorkAsync(HttpMethod.Post, one + "/start", null);
        Assert.Contains((await GetAsync("/instances?backend=lxd"))["items"]!.AsArray(), instance => ((string?)instance!["name"], (string?)instance["state"]) == ("whole", "running"));
        var plan = await ChangeAsync(HttpMethod.Post, one + "/plan", """{"memoryLimit":"96MiB"}""");
        await WorkAsync(HttpMethod.Post, one + "/apply", new JsonObject { ["plan"] = plan.DeepClone() }.ToJsonString());
        Assert.Equal(96 << 20, (int?)(await GetAsync(one))["memory"]);
        await ContainerFilesAsync(one);
        await ContainerPortsAsync(one);
        await ContainerTerminalAsync((string)made["result"]!["id"]!);
        await WorkAsync(HttpMethod.Delete, one + "?stopFirst=true", null);
        Assert.Empty((await GetAsync("/instances?backend=lxd"))["items"]!.AsArray());
    }

    private async Task ContainerFilesAsync(string one)
    {
        byte[] content = RandomNumberGenerator.GetBytes(3 << 20);
        string at = one + "/files/content?path=" + Uri.EscapeDataString("/var/sent here");
        using var upload = new HttpRequestMessage(HttpMethod.Put, $"{Api}{at}&mode=0640&userId=0") { Content = new ByteArrayContent(content) };
        upload.Headers.Add(ReferenceHost.RequestGuard.CsrfHeader, _host.Csrf);
        await CheckAsync(await _host.Http.SendAsync(upload, Token), "PUT", one + "/files/content");
        var file = (await GetAsync(one + "/files?path=/var"))["items"]!.AsArray().Single(entry => (string?)entry!["name"] == "sent here")!;
        Assert.Equal(("file", "0640", content.Length), ((string?)file["kind"], (string?)file["attributes"]!["mode"], (int?)file["size"] ?? content.Length));
        using var download = await _host.Http.GetAsync(Api + at, Token);
        Assert.Equal(content, await download.Content.ReadAsByteArrayAsync(Token));
        Assert.Equal(("attachment", "sent here"), (download.Content.Headers.ContentDisposition!.DispositionType, download.Content.Headers.ContentDisposition.FileNameStar));
        _succeeded.Add(("GET", one + "/files/content"));
        await ChangeAsync(HttpMethod.Delete, one + "/files?path=" + Uri.EscapeDataString("/var/sent here"), null);
        _succeeded.Add(("DELETE", one + "/files"));
        Assert.DoesNotContain((await GetAsync(one + "/files?path=/var"))["items"]!.AsArray(), entry => (string?)entry!["name"] == "sent here");
        using var missing = await _host.SendAsync(HttpMethod.Get, Api + at);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        foreach (string wrong in new[] { "/files", "/files?path=", "/files/content?path=%00" })
            Assert.Equal(HttpStatusCode.BadRequest, (await _host.SendAsync(HttpMethod.Get, Api + one + wrong)).StatusCode);
        foreach (string wrong in new[] { "mode=0999", "mode=17777", "mode=", "userId=-1", "groupId=a" })
        {
            var refused = await _host.ChangeAsync(HttpMethod.Put, $"{Api}{at}&{wrong}", "x");
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.NotNull(JsonNode.Parse(await refused.Content.ReadAsStringAsync(Token))!["fieldErrors"]![wrong[..wrong.IndexOf('=', StringComparison.Ordinal)]]);
        }
    }

    private async Task ContainerPortsAsync(string one)
    {
        var added = await ChangeAsync(HttpMethod.Post, one + "/ports", """{"guest":80}""");
        var listed = Assert.Single((await GetAsync(one + "/ports"))["items"]!.AsArray())!;
        Assert.Equal(((string?)added["id"], (string?)added["host"], 80, "tcp"), ((string?)listed["id"], (string?)listed["host"], (int?)listed["guestPort"], (string?)listed["protocol"]));
        await ChangeAsync(HttpMethod.Delete, $"{one}/ports/{added["id"]}", null);
        Assert.Empty((await GetAsync(one + "/ports"))["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.NotFound, (await _host.ChangeAsync(HttpMethod.Delete, $"{Api}{one}/ports/{added["id"]}")).StatusCode);
    }

    private async Task ContainerTerminalAsync(string id)
    {
        await using var socket = await _host.ConnectAsync(_host.Origin);
        await socket.SendAsync(new JsonObject { ["op"] = "open", ["channel"] = 1, ["kind"] = "command", ["backend"] = "lxd", ["instance"] = id, ["command"] = new JsonArray("/bin/sh") }.ToJsonString());
        Assert.True((bool?)(await socket.ReceiveAsync("opened", 1))["canResize"]);
        await socket.SendAsync("""{"op":"resize","channel":1,"columns":101,"rows":31}""");
        await socket.ReceiveTextUntilAsync(1, "# ");
        // The size goes to it beside what is typed, and may come later.
        await socket.SendBytesAsync(1, "until [ \"$(stty size)\" = '31 101' ]; do :; done; echo si''zed\n"u8);
        await socket.ReceiveTextUntilAsync(1, "sized");
        await socket.SendBytesAsync(1, "exit 3\n"u8);
        Assert.Equal("the command has ended with 3", (string?)(await socket.ReceiveAsync("closed", 1))["reason"]);

        await socket.SendAsync(new JsonObject { ["op"] = "open", ["channel"] = 2, ["kind"] = "command", ["backend"] = "lxd", ["instance"] = id }.ToJsonString());
        Assert.Contains("'command'", (string?)(await socket.ReceiveAsync("error", 2))["problem"]!["detail"], StringComparison.Ordinal);
        await socket.SendAsync(new JsonObject { ["op"] = "open", ["channel"] = 3, ["kind"] = "command", ["backend"] = "lxd", ["instance"] = id, ["command"] = new JsonArray("/bin/nothing") }.ToJsonString());
        await socket.ReceiveAsync("error", 3);
    }

    private async Task<string> CreateAsync(string name, bool boots = true)
    {
        var spec = new JsonObject
        {
            ["kind"] = "virtualMachine",
            ["name"] = name,
            ["sizing"] = new JsonObject { ["kind"] = "explicit", ["cpus"] = 1, ["memory"] = GuestImage.MinimumMemoryBytes },
            ["boot"] = new JsonObject { ["kind"] = "kernel", ["kernelPath"] = _guest.KernelPath, ["initrdPath"] = _guest.InitrdPath, ["commandLine"] = GuestImage.CommandLine },
            ["disks"] = new JsonArray(new JsonObject { ["content"] = new JsonObject { ["kind"] = "blank", ["size"] = "16MiB" } }),
        };
        if (!boots)
            spec.Remove("boot");
        return $"/instances/local/{(await WorkAsync(HttpMethod.Post, "/instances/local", spec.ToJsonString()))["result"]!["id"]}";
    }

    private async Task BootedAsync(string one)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!(await CheckAsync(await _host.SendAsync(HttpMethod.Get, Api + one + "/console/log"), "GET", one + "/console/log")).Contains(GuestImage.ReadyText, StringComparison.Ordinal))
            Assert.True(await timer.WaitForNextTickAsync(Token));
    }

    private async Task AgentAsync(string one)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        HttpResponseMessage answer;
        while ((answer = await _host.SendAsync(HttpMethod.Get, Api + one + "/guest")).StatusCode == HttpStatusCode.ServiceUnavailable)
            Assert.True(await timer.WaitForNextTickAsync(Token));
        await CheckAsync(answer, "GET", one + "/guest");
    }

    private async Task WatchScreenAsync(string one)
    {
        var session = await ChangeAsync(HttpMethod.Post, one + "/graphics", null);
        Assert.Equal("vnc", (string?)session["protocol"]);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("binary");
        socket.Options.Cookies = _host.Cookies;
        socket.Options.SetRequestHeader("Origin", _host.Origin);
        await socket.ConnectAsync(new UriBuilder(new Uri(_host.Address, (string)session["webSocketUrl"]!)) { Scheme = "ws" }.Uri, Token);
        byte[] greeting = new byte[12];
        int read = 0;
        while (read < greeting.Length)
            read += (await socket.ReceiveAsync(greeting.AsMemory(read), Token)).Count;
        Assert.Equal("RFB 003."u8.ToArray(), greeting[..8]);
        _succeeded.Add(("GET", one + "/graphics/socket"));
    }

    private async Task OpenSocketAsync()
    {
        await using var socket = await _host.ConnectAsync(_host.Origin);
        await socket.SendAsync("""{"op":"open","channel":1,"kind":"events"}""");
        await socket.ReceiveAsync("opened", 1);
        _succeeded.Add(("GET", "/ws"));
    }

    private async Task<JsonObject> GetAsync(string path) => JsonNode.Parse(await CheckAsync(await _host.SendAsync(HttpMethod.Get, Api + path), "GET", path.Split('?')[0]))!.AsObject();

    private async Task<JsonObject> ChangeAsync(HttpMethod method, string path, string? body)
    {
        string answer = await CheckAsync(await _host.ChangeAsync(method, Api + path, body), method.Method, path);
        return answer.Length == 0 ? [] : JsonNode.Parse(answer)!.AsObject();
    }

    private async Task<JsonObject> WorkAsync(HttpMethod method, string path, string? body)
    {
        var operation = await ChangeAsync(method, path, body);
        Assert.True((string?)operation["state"] == "succeeded", $"{method} {path}: {operation.ToJsonString()}");
        return operation;
    }

    private async Task<string> CheckAsync(HttpResponseMessage response, string method, string path)
    {
        string text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {response.StatusCode}: {text}");
        _succeeded.Add((method, path));
        return text;
    }
}
