using System.Net;
using System.Net.WebSockets;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>Who gets in, tried from outside against the host as it is composed.</summary>
public sealed class SignInTests
{
    [Fact(Timeout = 30_000)]
    public async Task Without_a_session_only_health_and_the_sign_in_answer()
    {
        await using var host = await RunningHost.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await host.SendAsync(HttpMethod.Get, "/api/v1/health")).StatusCode);
        Assert.Equal("""{"signedIn":false}""", await host.Http.GetStringAsync("/session", TestContext.Current.CancellationToken));
        int asked = 0;
        foreach (var endpoint in host.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>())
        {
            string path = endpoint.RoutePattern.RawText!;
            if (!path.StartsWith("/api/v1/", StringComparison.Ordinal) || path is "/api/v1/health" || path.EndsWith("/socket", StringComparison.Ordinal))
                continue;
            string method = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0];
            var response = await host.SendAsync(new HttpMethod(method), path.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal));
            Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path} answered {response.StatusCode}");
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
            asked++;
        }

        Assert.True(asked > 40, $"only {asked} routes were asked");
    }

    [Fact(Timeout = 30_000)]
    public async Task The_token_signs_in_once()
    {
        await using var host = await RunningHost.StartAsync();
        string token = host.ReadToken();
        var first = await host.PostTokenAsync(token);
        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        string cookie = first.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(HttpStatusCode.OK, (await host.SendAsync(HttpMethod.Get, "/api/v1/backends")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.PostTokenAsync(token)).StatusCode);
        Assert.False(File.Exists(Path.Combine(host.StatePath, "sign-in-token")));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_token_expires_and_a_new_one_replaces_it()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await RunningHost.StartAsync(time: clock);
        string old = host.ReadToken();
        clock.Advance(SignInToken.Lifetime);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.PostTokenAsync(old)).StatusCode);
        using var control = new ControlClient(host.StatePath);
        string first = (await control.IssueTokenAsync())!;
        string second = (await control.IssueTokenAsync())!;
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.PostTokenAsync(first)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await host.PostTokenAsync(second)).StatusCode);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_wrong_token_and_a_body_that_is_none_are_refused()
    {
        await using var host = await RunningHost.StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.PostTokenAsync("")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.PostTokenAsync("wrong")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.SendAsync(HttpMethod.Post, "/session", """{"token":5}""")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.SendAsync(HttpMethod.Post, "/session", "{\"token\":\"" + new string('x', 5000) + "\"}")).StatusCode);
    }

    [Theory(Timeout = 30_000)]
    [InlineData("""{"token":"\ud800"}""")]
    [InlineData("""{"\ud800":"x"}""")]
    public async Task Half_a_character_is_a_bad_request_from_nobody_as_well(string body)
    {
        await using var host = await RunningHost.StartAsync();
        Assert.Equal(HttpStatusCode.BadRequest, (await host.SendAsync(HttpMethod.Post, "/session", body)).StatusCode);
    }

    [Fact(Timeout = 30_000)]
    public async Task The_sixth_attempt_within_a_minute_is_refused_even_with_the_right_token()
    {
        await using var host = await RunningHost.StartAsync();
        for (int i = 0; i < 5; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.PostTokenAsync("guess" + i)).StatusCode);
        var limited = await host.PostTokenAsync(host.ReadToken());
        Assert.Equal(HttpStatusCode.TooManyRequests, limited.StatusCode);
        Assert.InRange(limited.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_session_survives_a_restart_of_the_host_and_ends_when_it_is_old_or_signed_out()
    {
        using var directory = new TempDirectory();
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        string cookie;
        await using (var host = await RunningHost.StartAsync(directory, clock))
        {
            await host.SignInAsync();
            cookie = host.Cookies.GetCookies(host.Address)["hvsdk"]!.Value;
            Assert.DoesNotContain(cookie, await File.ReadAllTextAsync(Path.Combine(host.StatePath, "sessions.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        await using (var host = await RunningHost.StartAsync(directory, clock))
        {
            Assert.Equal(HttpStatusCode.OK, (await host.SendAsync(HttpMethod.Get, "/api/v1/backends", null, ("Cookie", $"hvsdk={cookie}"))).StatusCode);
            clock.Advance(SessionStore.Lifetime);
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.SendAsync(HttpMethod.Get, "/api/v1/backends", null, ("Cookie", $"hvsdk={cookie}"))).StatusCode);
        }

        await using (var host = await RunningHost.StartAsync(directory, clock))
        {
            await host.SignInAsync();
            Assert.Equal(HttpStatusCode.NoContent, (await host.ChangeAsync(HttpMethod.Delete, "/session")).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.SendAsync(HttpMethod.Get, "/api/v1/backends")).StatusCode);
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task A_change_needs_the_csrf_token_of_its_own_session()
    {
        await using var host = await RunningHost.StartAsync();
        await host.SignInAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await host.SendAsync(HttpMethod.Delete, "/api/v1/backends/nonesuch")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await host.SendAsync(HttpMethod.Delete, "/api/v1/backends/nonesuch", null, (RequestGuard.CsrfHeader, "wrong"))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await host.SendAsync(HttpMethod.Delete, "/session")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.ChangeAsync(HttpMethod.Delete, "/api/v1/backends/nonesuch")).StatusCode);
    }

    [Theory(Timeout = 30_000)]
    [InlineData("https://evil.example")]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("null")]
    public async Task A_foreign_origin_changes_nothing_and_opens_no_socket(string origin)
    {
        await using var host = await RunningHost.StartAsync();
        await host.SignInAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await host.SendAsync(HttpMethod.Delete, "/api/v1/backends/nonesuch", null, (RequestGuard.CsrfHeader, host.Csrf), ("Origin", origin))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await host.SendAsync(HttpMethod.Post, "/session", """{"token":"x"}""", ("Origin", origin))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.SendAsync(HttpMethod.Delete, "/api/v1/backends/nonesuch", null, (RequestGuard.CsrfHeader, host.Csrf), ("Origin", host.Origin))).StatusCode);
        await Assert.ThrowsAsync<WebSocketException>(() => host.ConnectAsync(origin));
        await Assert.ThrowsAsync<WebSocketException>(() => host.ConnectAsync(null));
        await using var own = await host.ConnectAsync(host.Origin);
        await own.SendAsync("""{"op":"open","channel":1,"kind":"metrics"}""");
        await own.ReceiveAsync("opened", 1);
    }

    [Fact(Timeout = 30_000)]
    public async Task Another_name_for_this_address_is_refused()
    {
        await using var host = await RunningHost.StartAsync();
        Assert.Equal(HttpStatusCode.BadRequest, (await host.SendAsync(HttpMethod.Get, "/api/v1/health", null, ("Host", $"evil.example:{host.Address.Port}"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await host.SendAsync(HttpMethod.Get, "/api/v1/health", null, ("Host", $"localhost:{host.Address.Port}"))).StatusCode);
    }

    [Fact(Timeout = 30_000)]
    public async Task The_control_socket_and_the_files_are_the_owners_and_the_network_does_not_reach_them()
    {
        await using var host = await RunningHost.StartAsync();
        await host.SignInAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await host.ChangeAsync(HttpMethod.Post, "/control/token")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.ChangeAsync(HttpMethod.Post, "/control/stop")).StatusCode);
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(owner | UnixFileMode.UserExecute, File.GetUnixFileMode(host.StatePath));
        foreach (string file in new[] { "control.sock", "host.json", "sessions.json", "operation-key" })
            Assert.Equal(owner, File.GetUnixFileMode(Path.Combine(host.StatePath, file)));
    }
}
