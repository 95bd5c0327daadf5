using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.ReferenceHost;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The reference host's own composition, served in this process from a private state directory; the clock and what is logged are the test's.</summary>
internal sealed class RunningHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly StateDirectory _state;
    private readonly TempDirectory? _owned;
    private bool _isStopped;

    private RunningHost(WebApplication app, StateDirectory state, TempDirectory? owned, LogRecorder log)
    {
        (_app, _state, _owned, Log) = (app, state, owned, log);
        Address = new Uri(app.Urls.First(url => !url.Contains("unix:", StringComparison.Ordinal)));
        Cookies = new CookieContainer();
        Http = new HttpClient(new SocketsHttpHandler { CookieContainer = Cookies, UseProxy = false }) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(90) };
    }

    public Uri Address { get; }

    public string Origin => Address.GetLeftPart(UriPartial.Authority);

    public CookieContainer Cookies { get; }

    public HttpClient Http { get; }

    public LogRecorder Log { get; }

    public string StatePath => _state.Path;

    public IServiceProvider Services => _app.Services;

    public string Csrf { get; private set; } = "";

    public static async Task<RunningHost> StartAsync(TempDirectory? at = null, TimeProvider? time = null, Action<WebApplication>? more = null, Action<IServiceCollection>? configure = null, params string[] words)
    {
        var owned = at is null ? new TempDirectory() : null;
        var directory = (at ?? owned)!;
        Assert.True(HostOptions.TryParse(["--state", directory["state"], "--page", directory["page"], "--lxd", "none", "--incus", "none", .. words], out var options, out string? problem), problem);
        var state = StateDirectory.Open(options.State);
        File.Delete(state.ControlSocket);
        var log = new LogRecorder();
        var app = Composition.Build(options, state, builder =>
        {
            builder.Logging.ClearProviders().AddProvider(log);
            if (time is not null)
                builder.Services.AddSingleton(time);
            configure?.Invoke(builder.Services);
        });
        more?.Invoke(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new(app, state, owned, log);
    }

    public string ReadToken() => File.ReadAllText(Path.Combine(_state.Path, "sign-in-token")).Trim();

    /// <summary>Signs in like the page does: the token, then the session's CSRF token.</summary>
    public async Task SignInAsync()
    {
        Assert.Equal(HttpStatusCode.NoContent, (await PostTokenAsync(ReadToken())).StatusCode);
        using var session = JsonDocument.Parse(await Http.GetStringAsync("/session", TestContext.Current.CancellationToken));
        Assert.True(session.RootElement.GetProperty("signedIn").GetBoolean());
        Csrf = session.RootElement.GetProperty("csrf").GetString()!;
    }

    public Task<HttpResponseMessage> PostTokenAsync(string token) => SendAsync(HttpMethod.Post, "/session", JsonSerializer.Serialize(new Dictionary<string, string> { ["token"] = token }));

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>With the CSRF token of the session, waiting for the work to end.</summary>
    public Task<HttpResponseMessage> ChangeAsync(HttpMethod method, string path, string? body = null) => SendAsync(method, path, body, (RequestGuard.CsrfHeader, Csrf), ("Prefer", "wait=60"));

    public async Task<TestSocket> ConnectAsync(string? origin)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("hvsdk.v1");
        socket.Options.Cookies = Cookies;
        if (origin is not null)
            socket.Options.SetRequestHeader("Origin", origin);
        await socket.ConnectAsync(new UriBuilder(Address) { Scheme = "ws", Path = "/api/v1/ws" }.Uri, TestContext.Current.CancellationToken);
        return new(socket);
    }

    /// <summary>Stops serving; who waits for an answer is given it before.</summary>
    public async Task StopAsync()
    {
        if (_isStopped)
            return;
        _isStopped = true;
        await _app.StopAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await StopAsync();
        await _app.DisposeAsync();
        _state.Dispose();
        _owned?.Dispose();
    }
}
