using System.Net;

namespace Hypervisor.Sdk.AspNetCore.Tests;

public sealed class FailureTests
{
    public static TheoryData<string, int> Codes => new()
    {
        { "not-found", 404 }, { "already-exists", 409 }, { "conflict", 409 }, { "invalid-state", 409 }, { "locked", 409 }, { "invalid-argument", 400 }, { "unsupported", 422 }, { "denied", 403 },
        { "unauthenticated", 401 }, { "exhausted", 507 }, { "unavailable", 503 }, { "timeout", 504 }, { "protocol", 500 }, { "corrupted", 500 }, { "made-up", 500 },
    };

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task A_failure_is_problem_details_with_the_status_of_its_code(string code, int status)
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Failure = new HypervisorException("It did not work.", ErrorCode.Parse(code), RequestOutcome.FailedMidway)
        {
            Backend = host.Backend.Name, Resource = "instance web", BackendCode = "E7", BackendMessage = "disk on fire", RetryAfter = code == "unavailable" ? TimeSpan.FromSeconds(7) : null,
        };
        var (response, problem) = await host.PostAsync("/instances/local/web/start");
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status, (int?)problem["status"]);
        Assert.Equal("It did not work.", (string?)problem["detail"]);
        Assert.Equal(code, (string?)problem["code"]);
        Assert.Equal("failedMidway", (string?)problem["outcome"]);
        Assert.Equal("local", (string?)problem["backend"]);
        Assert.Equal("instance web", (string?)problem["resource"]);
        Assert.Equal("E7", (string?)problem["backendCode"]);
        Assert.Equal("disk on fire", (string?)problem["backendMessage"]);
        Assert.Equal(code == "unavailable" ? TimeSpan.FromSeconds(7) : null, response.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_feature_that_the_backend_does_not_have_is_422_and_a_backend_that_is_not_there_404()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Missing.Add(typeof(ISnapshots));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await host.GetAsync("/instances/local/web/snapshots")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.GetAsync("/instances/elsewhere/web")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await host.PostAsync("/instances/local", """{"kind":"container","name":"c","image":"debian"}""")).Response.StatusCode);
    }

    [Fact]
    public async Task A_stale_revision_is_409_and_the_current_one_is_not()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        Assert.Equal(HttpStatusCode.Conflict, (await host.PostAsync("/instances/local/web/start", null, ("If-Match", "\"r0\""))).Response.StatusCode);
        string tag = (await host.GetAsync("/instances/local/web")).Response.Headers.ETag!.Tag;
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/instances/local/web/start", null, ("If-Match", tag), ("Prefer", "wait=5"))).Response.StatusCode);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("with \"quotes\" and \\")]
    [InlineData("100%")]
    [InlineData("ünï 日本")]
    public void A_revision_survives_its_way_through_a_header(string text)
    {
        string tag = EntityTag.Write(Revision.Parse(text));
        Assert.True(tag.All(c => c is > ' ' and < '\x7F'), tag);
        Assert.Equal(text, EntityTag.Read(tag));
    }
}
