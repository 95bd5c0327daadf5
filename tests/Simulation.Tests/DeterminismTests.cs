namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Same seed and same calls, same trace.</summary>
public sealed class DeterminismTests
{
    [Fact(Timeout = 60_000)]
    public async Task Same_seed_and_same_calls_give_the_same_trace_byte_for_byte()
    {
        string first = await RunAsync(7);
        string second = await RunAsync(7);
        Assert.Equal(first, second);
        Assert.NotEqual(first, await RunAsync(8));
    }

    private static async Task<string> RunAsync(ulong seed)
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Seed = seed;
            o.AddNode("a").AddNode("b");
        });
        await dc.RunAsync(async () =>
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
            {
                // Every run makes other request ids up; the trace calls them by their order.
                var made = await dc.Hypervisor().CreateAsync(Machines.Spec($"vm{number}"), new RequestOptions { RequestId = RequestId.New() }).WaitForCompletionAsync();
                await dc.Hypervisor().StartAsync(made.Id).WaitForCompletionAsync();
                await Task.Delay(TimeSpan.FromSeconds(number), dc.Clock);
                await dc.Hypervisor().StopAsync(made.Id).WaitForCompletionAsync();
            }));
        });
        return dc.Trace.ToString();
    }
}
