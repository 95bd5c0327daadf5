using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>What decides runs in the loop and nowhere else: read off the sources.</summary>
public sealed partial class SourceTests
{
    [Fact]
    public void No_deciding_code_hops_threads_takes_timers_or_asks_another_clock_or_dice()
    {
        string root = Path.Combine(Repository.Root, "src", "Simulation");
        // The pacer wakes the loop in real time and decides nothing.
        var found = Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && Path.GetFileName(file) != "RealTimePacer.cs")
            .SelectMany(file => File.ReadLines(file).Where(line => !line.TrimStart().StartsWith("///", StringComparison.Ordinal)).Select(line => $"{Path.GetRelativePath(root, file)}: {line.Trim()}"))
            .Where(line => Banned().IsMatch(line));
        Assert.Empty(found);
    }

    [Theory]
    [InlineData("_ = Task.Run(() => 1);")]
    [InlineData("await Task.Delay(5);")]
    [InlineData("var at = DateTimeOffset.UtcNow;")]
    [InlineData("var id = Guid.NewGuid();")]
    [InlineData("foreach (var x in y.OrderBy(z => z.GetHashCode()))")]
    public void The_rule_finds_what_it_bans(string line) => Assert.Matches(Banned(), line);

    [GeneratedRegex(@"Task\.Run\b|Task\.Delay\b|Task\.Yield\b|Task\.Factory|ThreadPool|new Thread\b|new Timer\b|PeriodicTimer|\.CancelAfter|DateTime(Offset)?\.(Utc)?Now|Stopwatch|Environment\.TickCount|Guid\.(NewGuid|CreateVersion7)|RequestId\.New\(|new Random\b|Random\.Shared|RandomNumberGenerator|\.GetHashCode\(\)|Parallel\.|\.AsParallel|Channel\.Create|ConcurrentQueue|Thread\.Sleep")]
    private static partial Regex Banned();
}
