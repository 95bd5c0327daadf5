using System.Net;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>What every answer of the host carries, and what its log does not.</summary>
public sealed class AnswerTests
{
    [Fact(Timeout = 30_000)]
    public async Task Every_answer_carries_the_security_headers()
    {
        await using var host = await RunningHost.StartAsync();
        foreach (string path in new[] { "/", "/api/v1/health", "/api/v1/instances", "/nonesuch", "/session" })
        {
            var response = await host.SendAsync(HttpMethod.Get, path);
            Assert.Equal(SecurityHeaders.ContentSecurityPolicy, response.Headers.GetValues("Content-Security-Policy").Single());
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("no-referrer", response.Headers.GetValues("Referrer-Policy").Single());
            Assert.Equal("DENY", response.Headers.GetValues("X-Frame-Options").Single());
            Assert.False(response.Headers.Contains("Server"));
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task The_page_is_served_where_there_is_one_and_missed_where_there_is_none()
    {
        using var directory = new TempDirectory();
        await using (var host = await RunningHost.StartAsync(directory))
            Assert.Contains("not built", await host.Http.GetStringAsync("/", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Directory.CreateDirectory(directory["page"]);
        await File.WriteAllTextAsync(directory["page/index.html"], "<!doctype html>", TestContext.Current.CancellationToken);
        await using (var host = await RunningHost.StartAsync(directory))
        {
            var page = await host.SendAsync(HttpMethod.Get, "/");
            Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
            Assert.True(page.Headers.Contains("Content-Security-Policy"));
            Assert.Equal(HttpStatusCode.NotFound, (await host.SendAsync(HttpMethod.Get, "/..%2fstate/host.json")).StatusCode);
        }
    }

    [Fact(Timeout = 30_000)]
    [Feature("API-17")]
    public async Task Each_request_is_logged_in_one_line_without_a_secret()
    {
        await using var host = await RunningHost.StartAsync();
        string token = host.ReadToken();
        await host.SignInAsync();
        await host.SendAsync(HttpMethod.Get, "/api/v1/instances/local/a/graphics/socket?ticket=verysecret");
        await host.SendAsync(HttpMethod.Get, "/nonesuch%0d%0aforged%20line");
        string cookie = host.Cookies.GetCookies(host.Address)["hvsdk"]!.Value;
        Assert.Contains(host.Log.Lines, line => line.Contains("POST /session 204", StringComparison.Ordinal));
        Assert.Contains(host.Log.Lines, line => line.Contains("GET /nonesuch%0D%0Aforged%20line 404", StringComparison.OrdinalIgnoreCase));
        Assert.All(host.Log.Lines, line =>
        {
            Assert.DoesNotContain(token, line, StringComparison.Ordinal);
            Assert.DoesNotContain(cookie, line, StringComparison.Ordinal);
            Assert.DoesNotContain(host.Csrf, line, StringComparison.Ordinal);
            Assert.DoesNotContain("verysecret", line, StringComparison.Ordinal);
        });
    }

    [Fact(Timeout = 30_000)]
    [Feature("API-18")]
    public async Task A_handler_that_throws_is_answered_with_problem_details_without_its_stack_and_the_host_goes_on()
    {
        await using var host = await RunningHost.StartAsync(more: app => app.MapGet("/boom", IResult (HttpContext _) => throw new InvalidDataException("the innards of it")));
        var response = await host.SendAsync(HttpMethod.Get, "/boom");
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        string body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("innards", body, StringComparison.Ordinal);
        Assert.DoesNotContain("InvalidDataException", body, StringComparison.Ordinal);
        Assert.True(response.Headers.Contains("X-Content-Type-Options"));
        Assert.Contains(host.Log.Lines, line => line.Contains("the innards of it", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await host.SendAsync(HttpMethod.Get, "/api/v1/health")).StatusCode);
    }
}
