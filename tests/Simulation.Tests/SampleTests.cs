using Samples.SimulatedDatacenter;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>The sample: somebody's own code, tested against node loss.</summary>
public sealed class SampleTests
{
    [Fact(Timeout = 120_000)]
    public async Task All_web_servers_are_rolled_whatever_breaks_meanwhile()
    {
        int crashes = 0;
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var result = await RollUnderNodeLoss.RunAsync(seed);
            Assert.Equal((seed, 9), (seed, result.Rolled));
            crashes += result.Crashes;
        }

        Assert.True(crashes >= 20, $"Only {crashes} crashes: too little breaks for a test.");
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_faults_rolling_takes_a_few_minutes() => Assert.InRange((await RollUnderNodeLoss.RunAsync(1, breaks: false)).Took, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));
}
