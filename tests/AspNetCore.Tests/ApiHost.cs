using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>The API over fake backends, served by Kestrel on a free port.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiHost(WebApplication app, IReadOnlyList<FakeBackend> backends)
    {
        (_app, Backends) = (app, backends);
        Address = new Uri(app.Urls.First());
        Http = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
    }

    public IReadOnlyList<FakeBackend> Backends { get; }

    public FakeBackend Backend => Backends[0];

    public Uri Address { get; }

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    public static Task<ApiHost> StartAsync(Action<HypervisorApiOptions>? configure = null, TimeProvider? time = null, params string[] backends) => StartAsync(configure, time, [.. backends.Select(name => new FakeBackend(name))]);

    public static Task<ApiHost> StartAsync(Action<IServiceCollection> services) => StartAsync(null, null, [], services);

    public static async Task<ApiHost> StartAsync(Action<HypervisorApiOptions>? configure, TimeProvider? time, FakeBackend[] fakes, Action<IServiceCollection>? more = null)
    {
        if (fakes.Length == 0)
            fakes = [new FakeBackend("local")];
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        if (time is not null)
            builder.Services.AddSingleton(time);
        var sdk = builder.Services.AddHypervisorSdk();
        foreach (var fake in fakes)
            sdk.AddBackend(fake.Name, "fake", (_, _) => Task.FromResult<IBackend>(fake));
        builder.Services.AddHypervisorApi(configure);
        more?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseWebSockets();
        app.MapHypervisorApi("/api/v1");
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new(app, fakes);
    }

    public async Task<(HttpResponseMessage Response, JsonObject Body)> SendAsync(HttpMethod method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, "/api/v1" + path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response, text.StartsWith('{') ? JsonNode.Parse(text)!.AsObject() : []);
    }

    public Task<(HttpResponseMessage Response, JsonObject Body)> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<(HttpResponseMessage Response, JsonObject Body)> PostAsync(string path, string? body = null, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, path, body, headers);

    public async Task<TestSocket> ConnectAsync(Action<ClientWebSocketOptions>? configure = null, string path = "/ws", string protocol = "hvsdk.v1")
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(protocol);
        configure?.Invoke(socket.Options);
        await socket.ConnectAsync(new UriBuilder(Address) { Scheme = "ws", Path = "/api/v1" + path.Split('?')[0], Query = path.Contains('?') ? path.Split('?')[1] : "" }.Uri, TestContext.Current.CancellationToken);
        return new(socket);
    }

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
