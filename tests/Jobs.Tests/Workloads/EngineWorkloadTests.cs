using System.Globalization;
using Hypervisor.Sdk.Jobs.Sqlite;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>Random workloads through the whole engine, with faults of everything around it; after each seed its history is gone through. A failure says its seed and how to run it alone.</summary>
public sealed class EngineWorkloadTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    /// <summary>With the variable set, that seed alone, and its whole history.</summary>
    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task What_has_to_hold_holds_for_two_thousand_seeds()
    {
        bool isOne = int.TryParse(Environment.GetEnvironmentVariable(EngineWorkload.SeedVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int seed);
        await RunAsync(isOne ? seed : 1, isOne ? 1 : 2_000, isOne);
    }

    [Fact(Timeout = 3_000_000)]
    [Speed(SpeedAttribute.Full)]
    public Task What_has_to_hold_holds_for_ten_thousand_seeds() => RunAsync(2_001, 10_000);

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    public Task What_has_to_hold_holds_over_files() => RunOverFilesAsync(1, 50);

    [Fact(Timeout = 3_000_000)]
    [Speed(SpeedAttribute.Full)]
    public Task What_has_to_hold_holds_over_many_files() => RunOverFilesAsync(51, 500);

    [Theory(Timeout = 120_000)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public async Task A_seed_has_one_history(int seed)
    {
        await using var one = new InMemoryJobStore();
        await using var other = new InMemoryJobStore();
        string history = string.Join('\n', (await EngineWorkload.RunAsync(seed, one)).Lines());
        Assert.Contains("over:", history, StringComparison.Ordinal);
        Assert.Equal(history, string.Join('\n', (await EngineWorkload.RunAsync(seed, other)).Lines()));
    }

    /// <summary>A file gives the history that memory gives.</summary>
    [Theory(Timeout = 120_000)]
    [InlineData(21)]
    [InlineData(22)]
    public async Task Over_a_file_a_seed_has_the_same_history(int seed)
    {
        await using var memory = new InMemoryJobStore();
        await using var file = SqliteJobStore.Open(_directory["same.db"]);
        Assert.Equal(string.Join('\n', (await EngineWorkload.RunAsync(seed, memory)).Lines().Select(Comparable)), string.Join('\n', (await EngineWorkload.RunAsync(seed, file)).Lines().Select(Comparable)));

        // Where tokens begin is a store's own.
        static string Comparable(string line) => System.Text.RegularExpressions.Regex.Replace(line, "token \\d+|for \\d+", "token");
    }

    /// <summary>A store that breaks a rule is seen, and by what that rule is about.</summary>
    [Theory(Timeout = 600_000)]
    [InlineData("loses a job", nameof(Invariant.AtLeastOnce))]
    [InlineData("knows no lanes", nameof(Invariant.Exclusion))]
    [InlineData("takes what is held", nameof(Invariant.Exclusion))]
    [InlineData("gives a token twice", nameof(Invariant.Exclusion))]
    [InlineData("hears the dead", nameof(Invariant.Exclusion))]
    [InlineData("closes no lanes", nameof(Invariant.LaneOrder))]
    [InlineData("lets every second job overtake", nameof(Invariant.LaneOrder))]
    [InlineData("prefers high priorities for ever", nameof(Invariant.NoStarvation))]
    [InlineData("tries for ever", nameof(Invariant.BoundedRetries))]
    [InlineData("forgives lost workers", nameof(Invariant.BoundedRetries))]
    [InlineData("waits for nobody", nameof(Invariant.Readiness))]
    [InlineData("knows no rates", nameof(Invariant.Rates))]
    [InlineData("knows no unique keys", nameof(Invariant.Once))]
    [InlineData("forgets steps", nameof(Invariant.Steps))]
    public async Task A_store_that_breaks_a_rule_is_found_out(string rule, string invariant)
    {
        for (int seed = 1; seed <= 300; seed++)
        {
            await using var store = new InMemoryJobStore();
            var found = WorkloadChecker.Check(await EngineWorkload.RunAsync(seed, BrokenStores.Break(store, rule)), EngineWorkload.MostSkew + EngineWorkload.MostDelay);
            if (found.Any(one => one.Invariant.ToString() == invariant))
                return;
        }

        Assert.Fail($"In 300 seeds nobody saw that the store {rule}.");
    }

    private async Task RunOverFilesAsync(int first, int count)
    {
        for (int seed = first; seed < first + count; seed++)
        {
            string path = _directory[string.Create(CultureInfo.InvariantCulture, $"{seed}.db")];
            await using var store = SqliteJobStore.Open(path);
            EngineWorkload.Expect(seed, await EngineWorkload.RunAsync(seed, store));
        }
    }

    private static async Task RunAsync(int first, int count, bool isTold = false)
    {
        for (int seed = first; seed < first + count; seed++)
        {
            Token.ThrowIfCancellationRequested();
            await using var store = new InMemoryJobStore();
            EngineWorkload.Expect(seed, await EngineWorkload.RunAsync(seed, store), isTold);
        }
    }
}
