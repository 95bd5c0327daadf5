using System.Net;
using System.Text.Json.Nodes;
using Hypervisor.Sdk.Jobs;
using Hypervisor.Sdk.ReferenceHost;

namespace Hypervisor.Sdk.AspNetCore.Tests.Host;

/// <summary>The lists of jobs that the reference host's page asks for.</summary>
public sealed class JobListTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Jobs_are_filtered_by_the_host_and_read_page_by_page()
    {
        await using var host = await RunningHost.StartAsync();
        await host.SignInAsync();
        var jobs = host.Services.GetRequiredService<IJobs>();
        var ids = new List<string>();
        for (int i = 0; i < 5; i++)
            ids.Add((await jobs.EnqueueAsync(new TidyJobs(1), new JobOptions { Delay = TimeSpan.FromHours(1), Progress = $"start instance: web-{i % 2}" }, Token)).Id.ToString());
        Assert.True(await jobs.CancelAsync(JobId.Parse(ids[0]), Token));
        string last = ids[^1];
        // Those of one millisecond have no order of their own.
        ids.Sort(StringComparer.Ordinal);
        ids.Reverse();

        var (all, next) = await ListAsync(host, "");
        Assert.Equal(ids, all);
        Assert.Null(next);
        // A page, and what goes on after it, until there is no more.
        (var first, next) = await ListAsync(host, "?limit=2");
        Assert.Equal(ids[..2], first);
        (var second, next) = await ListAsync(host, $"?limit=2&before={next}");
        Assert.Equal(ids[2..4], second);
        (var third, next) = await ListAsync(host, $"?limit=2&before={next}");
        Assert.Equal(ids[4..], third);
        Assert.Null(next);

        Assert.Single((await ListAsync(host, "?state=cancelled")).Ids);
        Assert.Equal(4, (await ListAsync(host, "?state=pending")).Ids.Count);
        Assert.Empty((await ListAsync(host, "?state=failed")).Ids);
        Assert.Equal(3, (await ListAsync(host, "?machine=web-0")).Ids.Count);
        Assert.Equal(2, (await ListAsync(host, "?machine=web-0&state=pending&type=tidy-jobs")).Ids.Count);
        Assert.Empty((await ListAsync(host, "?machine=web")).Ids);
        Assert.Equal(5, (await ListAsync(host, "?text=START%20instance:%20web")).Ids.Count);
        Assert.Equal([ids[1]], (await ListAsync(host, $"?text={ids[1]}")).Ids);
        Assert.Empty((await ListAsync(host, "?type=machine")).Ids);

        var detail = JsonNode.Parse(await host.Http.GetStringAsync($"/jobs/{last}", Token))!;
        Assert.Equal(("start instance: web-0", "Not before"), ((string?)detail["job"]!["progress"], ((string)detail["job"]!["waits"]!)[..10]));
        Assert.Empty(detail["attempts"]!.AsArray());
    }

    [Theory(Timeout = 120_000)]
    [InlineData("/jobs?state=done", HttpStatusCode.BadRequest, "state")]
    [InlineData("/jobs?state=1", HttpStatusCode.BadRequest, "state")]
    [InlineData("/jobs?before=yesterday", HttpStatusCode.BadRequest, "before")]
    [InlineData("/jobs?limit=0", HttpStatusCode.BadRequest, "limit")]
    [InlineData("/jobs?limit=201", HttpStatusCode.BadRequest, "limit")]
    [InlineData("/jobs/nobody", HttpStatusCode.NotFound, "no such job")]
    public async Task What_cannot_be_asked_for_is_refused_by_name(string path, HttpStatusCode status, string said)
    {
        await using var host = await RunningHost.StartAsync();
        await host.SignInAsync();
        using var answer = await host.Http.GetAsync(path, Token);
        Assert.Equal(status, answer.StatusCode);
        Assert.Contains(said, await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    private static async Task<(List<string> Ids, string? Next)> ListAsync(RunningHost host, string query)
    {
        var page = JsonNode.Parse(await host.Http.GetStringAsync("/jobs" + query, Token))!;
        return ([.. page["jobs"]!.AsArray().Select(job => (string)job!["id"]!)], (string?)page["next"]);
    }
}
