// Tests an application's own code in a simulated data centre: a hundred times with another course of events, in a second or two.
using System.Globalization;
using Samples.SimulatedDatacenter;

for (ulong seed = 1; seed <= 100; seed++)
{
    var result = await RollUnderNodeLoss.RunAsync(seed);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed,3}: {result.Rolled} of 9 rolled in {result.Took.TotalMinutes,5:0.0} simulated minutes, the node was lost {result.Crashes} times"));
    if (result.Rolled == 9)
        continue;

    // The same seed gives the same course of events: the trace shows what happened, line by line, as often as it takes to understand it.
    string file = $"roll-{seed}.trace";
    await using var writer = new StreamWriter(file);
    result.Trace.WriteTo(writer);
    Console.WriteLine($"          what happened is in {file}");
    return 1;
}

return 0;
