using System.Net;

namespace Hypervisor.Sdk.AspNetCore.Tests;

public sealed class OperationTests
{
    private static readonly Secret s_key = new(new byte[32]);

    [Fact]
    public async Task Work_answers_202_with_a_place_to_ask_and_the_callers_request_id()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        host.Backend.HoldsWork = true;
        var key = Guid.NewGuid();
        var (response, operation) = await host.PostAsync("/instances/local/web/start", null, ("Idempotency-Key", key.ToString()));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal($"/api/v1/operations/{operation["id"]}", response.Headers.Location!.OriginalString);
        Assert.Equal("running", (string?)operation["state"]);
        Assert.Equal(0.5, (double?)operation["fraction"]);
        Assert.Equal("copying", (string?)operation["stage"]);
        Assert.Equal(key.ToString(), (string?)operation["requestId"]);
        Assert.Equal(key, host.Backend.Requests.Single()!.RequestId!.Value.ToGuid());

        host.Backend.Held.Single().Succeed(host.Backend.Machines["web"]);
        var (_, ended) = await host.SendAsync(HttpMethod.Get, $"/operations/{operation["id"]}", null, ("Prefer", "wait=10"));
        Assert.Equal("succeeded", (string?)ended["state"]);
        Assert.Equal("web", (string?)ended["result"]!["id"]);
    }

    [Fact]
    public async Task Waiting_ends_after_its_time_and_the_work_goes_on()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        host.Backend.HoldsWork = true;
        var (response, operation) = await host.PostAsync("/instances/local/web/start", null, ("Prefer", "respond-async, wait=1"));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal("wait=1", response.Headers.GetValues("Preference-Applied").Single());
        Assert.Equal("running", (string?)operation["state"]);
    }

    [Fact]
    public async Task A_failure_midway_is_the_operations_error()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        host.Backend.HoldsWork = true;
        var (_, operation) = await host.PostAsync("/instances/local/web/start");
        host.Backend.Held.Single().Fail(new HypervisorException("The disk is full.", ErrorCode.Exhausted, RequestOutcome.FailedMidway));
        var (response, ended) = await host.SendAsync(HttpMethod.Get, $"/operations/{operation["id"]}", null, ("Prefer", "wait=10"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("failed", (string?)ended["state"]);
        Assert.Equal("exhausted", (string?)ended["error"]!["code"]);
    }

    [Fact]
    public async Task Cancelling_ends_the_work_once()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        host.Backend.HoldsWork = true;
        var (_, operation) = await host.PostAsync("/instances/local/web/start");
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync($"/operations/{operation["id"]}/cancel")).Response.StatusCode);
        Assert.Equal("cancelled", (string?)(await host.SendAsync(HttpMethod.Get, $"/operations/{operation["id"]}", null, ("Prefer", "wait=10"))).Body["state"]);
        Assert.Equal(HttpStatusCode.Conflict, (await host.PostAsync($"/operations/{operation["id"]}/cancel")).Response.StatusCode);
    }

    [Fact]
    public async Task A_finished_operation_is_kept_ten_minutes_and_then_forgotten()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await ApiHost.StartAsync(time: clock);
        host.Backend.Add("web");
        var (_, operation) = await host.PostAsync("/instances/local/web/start", null, ("Prefer", "wait=10"));
        clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(HttpStatusCode.OK, (await host.GetAsync($"/operations/{operation["id"]}")).Response.StatusCode);
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HttpStatusCode.NotFound, (await host.GetAsync($"/operations/{operation["id"]}")).Response.StatusCode);
    }

    [Fact]
    public async Task No_more_work_begins_than_can_be_asked_for()
    {
        await using var host = await ApiHost.StartAsync(options => options.MaxOperations = 2);
        foreach (string name in new[] { "a", "b", "c" })
            host.Backend.Add(name);
        await host.PostAsync("/instances/local/a/start", null, ("Prefer", "wait=10"));
        await host.PostAsync("/instances/local/b/start", null, ("Prefer", "wait=10"));
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/instances/local/c/start", null, ("Prefer", "wait=10"))).Response.StatusCode);

        await using var busy = await ApiHost.StartAsync(options => options.MaxOperations = 1);
        busy.Backend.Add("a");
        busy.Backend.Add("b");
        busy.Backend.HoldsWork = true;
        await busy.PostAsync("/instances/local/a/start");
        var (refused, _) = await busy.PostAsync("/instances/local/b/start");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Single(busy.Backend.Requests);
    }

    [Fact]
    public async Task Another_process_goes_on_with_an_operation_that_the_backend_keeps_and_only_with_the_same_key()
    {
        await using var first = await ApiHost.StartAsync(options => options.OperationKey = s_key);
        first.Backend.Add("web");
        first.Backend.HoldsWork = true;
        var (_, operation) = await first.PostAsync("/instances/local/web/start");
        string id = (string)operation["id"]!;

        await using var second = await ApiHost.StartAsync(options => options.OperationKey = s_key);
        second.Backend.Add("web");
        var (_, resumed) = await second.SendAsync(HttpMethod.Get, $"/operations/{id}", null, ("Prefer", "wait=10"));
        Assert.Equal("succeeded", (string?)resumed["state"]);

        await using var stranger = await ApiHost.StartAsync();
        stranger.Backend.Add("web");
        Assert.Equal(HttpStatusCode.NotFound, (await stranger.GetAsync($"/operations/{id}")).Response.StatusCode);
        char[] forged = id.ToCharArray();
        forged[5] = forged[5] == 'A' ? 'B' : 'A';
        Assert.Equal(HttpStatusCode.NotFound, (await second.GetAsync($"/operations/{new string(forged)}")).Response.StatusCode);
    }
}
