using System.Diagnostics;

namespace Hypervisor.Sdk.Benchmarks.Transport;

/// <summary>One way to do the job that a question asks about, and what it took in each round.</summary>
internal sealed class Way(string name, Func<int, Task> work, IDisposable socket)
{
    private readonly List<(double Wall, double Cpu, double Bytes)> _rounds = [];

    public string Name => name;

    public double WallMicroseconds => Median(round => round.Wall);

    public double CpuMicroseconds => Median(round => round.Cpu);

    public double AllocatedBytes => _rounds.Min(round => round.Bytes);

    /// <summary>Runs every way in turn, round by round, so that a busy moment of the machine meets them all.</summary>
    public static async Task MeasureAsync(IReadOnlyList<Way> ways, int operations, int rounds, int perOperation)
    {
        foreach (Way way in ways)
        {
            await way.RunAsync(operations / 2);
            await way.RunAsync(operations / 2);
        }

        for (int round = 0; round < rounds; round++)
        {
            foreach (Way way in ways)
                await way.MeasureAsync(operations, perOperation);
        }

        foreach (Way way in ways)
            way.Close();
    }

    /// <summary>The table of a question; the ratio is to the processor time of the first way.</summary>
    public static void Print(IReadOnlyList<Way> ways, TextWriter output, string unit)
    {
        output.WriteLine($"| way | us per {unit} | client CPU us | ratio of CPU | allocated B |");
        output.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (Way way in ways)
            output.WriteLine($"| {way.Name} | {way.WallMicroseconds:0.00} | {way.CpuMicroseconds:0.00} | {way.CpuMicroseconds / ways[0].CpuMicroseconds:0.00} | {way.AllocatedBytes:0.0} |");
        output.WriteLine();
    }

    private Task RunAsync(int operations) => work(operations);

    private async Task MeasureAsync(int operations, int perOperation)
    {
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        await work(operations);
        double count = (double)operations * perOperation;
        _rounds.Add((
            Stopwatch.GetElapsedTime(start).TotalMicroseconds / count,
            (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / count,
            (GC.GetTotalAllocatedBytes(precise: true) - bytes) / count));
    }

    private void Close() => socket.Dispose();

    private double Median(Func<(double Wall, double Cpu, double Bytes), double> of)
    {
        double[] sorted = [.. _rounds.Select(of).Order()];
        return sorted[sorted.Length / 2];
    }
}
