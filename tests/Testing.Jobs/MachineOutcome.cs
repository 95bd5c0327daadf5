using Xunit;

namespace Hypervisor.Sdk.Testing.Jobs;

/// <summary>What came of the jobs of victims, all of which have completed.</summary>
/// <param name="Ends">Where the machine of each name was to end.</param>
/// <param name="Interrupted">How many jobs took more than one attempt.</param>
public sealed record MachineOutcome(IReadOnlyDictionary<string, string> Ends, int Interrupted)
{
    /// <summary>Those that are to be there.</summary>
    public IEnumerable<string> Kept => Ends.Where(end => end.Value != MachineJob.Deleted).Select(end => end.Key);

    /// <summary>Looks that the machines are those of the jobs, in the state that was asked for, and that the kills broke work off.</summary>
    public async Task AssertThereAsync(ICompute machines)
    {
        var token = TestContext.Current.CancellationToken;
        var instances = await machines.List().ToListAsync(token);
        Assert.Equal(Kept.Select(name => $"{name} {Ends[name]}").Order(StringComparer.Ordinal), instances.Select(instance => $"{instance.Name} {instance.State}").Order(StringComparer.Ordinal));
        TestContext.Current.TestOutputHelper?.WriteLine($"{Ends.Count} jobs, {Interrupted} of them in more than one attempt; {instances.Count} machines are there.");
        Assert.NotEqual(0, Interrupted);
    }
}
