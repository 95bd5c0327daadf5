using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore.Tests;

public sealed class PagingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Pages_over_several_backends_name_every_instance_once(int limit)
    {
        await using var host = await ApiHost.StartAsync(null, null, "alpha", "beta", "gamma");
        foreach (var backend in host.Backends.Where(backend => backend.Name.ToString() != "beta"))
        {
            for (int i = 0; i < 3; i++)
                backend.Add($"vm{i}");
        }

        var seen = new List<string>();
        string? continuation = null;
        do
        {
            var (_, page) = await host.GetAsync($"/instances?limit={limit}" + (continuation is null ? "" : $"&continuation={Uri.EscapeDataString(continuation)}"));
            var items = page["items"]!.AsArray();
            Assert.InRange(items.Count, 0, limit);
            seen.AddRange(items.Select(item => $"{item!["backend"]}/{item["id"]}"));
            continuation = (string?)page["continuation"];
        }
        while (continuation is not null);
        Assert.Equal(["alpha/vm0", "alpha/vm1", "alpha/vm2", "gamma/vm0", "gamma/vm1", "gamma/vm2"], seen);
    }

    [Fact]
    public async Task A_backend_that_does_not_answer_is_named_and_hides_no_other()
    {
        await using var host = await ApiHost.StartAsync(null, null, "alpha", "beta");
        host.Backends[0].Failure = new BackendConnectionException("The daemon is gone.", ErrorCode.Unavailable, RequestOutcome.NotSent);
        host.Backends[1].Add("vm");
        var (_, page) = await host.GetAsync("/instances");
        Assert.Equal("beta", (string?)page["items"]![0]!["backend"]);
        Assert.Equal("alpha", (string?)page["unreachable"]![0]!["backend"]);
        Assert.Equal("unavailable", (string?)page["unreachable"]![0]!["code"]);
        Assert.Equal("alpha", (string?)(await host.GetAsync("/nodes")).Body["unreachable"]![0]!["backend"]);
    }

    [Theory]
    [InlineData("state=running", "b")]
    [InlineData("name=Ayla", "a")]
    [InlineData("label.tier=web&state=stopped", "a,c")]
    [InlineData("label.tier=db", "")]
    [InlineData("backend=local&template=false&limit=2", "a,b")]
    public async Task Filters_choose(string query, string expected)
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("a", name: "Ayla");
        host.Backend.Add("b", PowerState.Running);
        host.Backend.Add("c");
        var (_, page) = await host.GetAsync($"/instances?{query}");
        Assert.Equal(expected, string.Join(',', page["items"]!.AsArray().Select(item => (string?)item!["id"])));
    }
}
