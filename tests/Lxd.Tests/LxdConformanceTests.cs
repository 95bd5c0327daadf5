using System.Text;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>The kit on real servers.</summary>
[Peer("lxd")]
public sealed class LxdConformanceTests(LxdLab lab)
{
    /// <summary>The servers take their time to make and to end a container: several runs wait for theirs at once.</summary>
    private const int Shares = 4;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 900_000)]
    [Feature("CTR-02")]
    [Feature("CTR-03")]
    [Feature("CTR-06")]
    [InlineData(ServerKind.Lxd, "LXD 5.0.2", "3-lxd")]
    [InlineData(ServerKind.Incus, "Incus 6.0.4", "3-incus")]
    public async Task The_driver_keeps_the_contract(ServerKind kind, string name, string column)
    {
        var server = await lab.StartOwnAsync(kind);
        var targets = new List<LxdTarget>();
        try
        {
            await MakeBridgeAsync(server);
            for (int i = 0; i < Shares; i++)
                targets.Add(new LxdTarget(server, name, $"hvconf{i}-", await server.ConnectAsync()));
            await PassesAsync(targets, column);
        }
        finally
        {
            foreach (var target in targets)
                await target.DisposeAsync();
            await server.DisposeAsync();
        }
    }

    /// <summary>A network that instances of the checks join.</summary>
    private static async Task MakeBridgeAsync(PrivateServer server)
    {
        await using var client = await server.ConnectAsync();
        await client.NetworksPostAsync(new LxdNetworksPost { Name = "checks0", Type = "bridge", Config = new Dictionary<string, string> { ["ipv4.address"] = "none", ["ipv6.address"] = "none" } }, cancellationToken: Token);
    }

    /// <summary>What the kit finds out about guests is of its full runs, because machines boot slowly; containers do not.</summary>
    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task The_driver_keeps_the_contract_of_guests(ServerKind kind)
    {
        string[] checks = ["FEAT-10", "FEAT-11", "FEAT-12"];
        var server = await lab.GetAsync(kind);
        await using var target = new LxdTarget(server, kind.ToString(), "hvguest-", await server.ConnectAsync());
        await using var runner = new CheckRunner(target, new ConformanceOptions { Only = checks, IncludeLong = true });
        var report = await runner.RunAsync(cancellationToken: Token);
        Assert.All(report.Results, result => Assert.True(result.Outcome == CheckOutcome.Passed, $"{result.Id} {result.Outcome}: {result.Message}"));
        Assert.Equal(checks, report.Results.Select(result => result.Id));
    }

    /// <summary>Each target runs its share of the checks; together they are one report.</summary>
    private static async Task PassesAsync(List<LxdTarget> targets, string column)
    {
        var reports = await Task.WhenAll(targets.Select(async (target, share) =>
        {
            var own = ConformanceChecks.All.Where((_, index) => index % targets.Count == share).Select(check => check.Id).ToList();
            await using var runner = new CheckRunner(target, new ConformanceOptions { Only = own, Sequences = 2 });
            return await runner.RunAsync(result => TestContext.Current.TestOutputHelper?.WriteLine($"{result.Id} {result.Outcome} {result.Took.TotalSeconds:0.00} s {result.Message}"), Token);
        }));
        var order = ConformanceChecks.All.Select((check, index) => (check.Id, index)).ToDictionary(check => check.Id, check => check.index);
        var report = new ConformanceReport
        {
            Target = reports[0].Target, Kind = reports[0].Kind, ServerVersion = reports[0].ServerVersion, Seed = reports[0].Seed, Results = [.. reports.SelectMany(part => part.Results).OrderBy(result => order[result.Id])],
        };
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Repository.PathOf("artifacts", "conformance")).FullName, column + ".json"), report.ToJson() + "\n", Token);
        var text = new StringBuilder();
        foreach (var result in report.Results.Where(result => result.Outcome == CheckOutcome.Failed))
            text.AppendLine($"{result.Id} {result.Sentence}\n    {result.Message}");
        Assert.Equal(ConformanceChecks.All.Count, report.Results.Count);
        Assert.True(report.IsConformant, $"{report.Target}: {report.Count(CheckOutcome.Failed)} of {report.Results.Count} checks failed.\n{text}");
        Assert.All(report.Results.Where(result => result.Outcome == CheckOutcome.Skipped), result => Assert.False(string.IsNullOrWhiteSpace(result.Message)));
    }
}
