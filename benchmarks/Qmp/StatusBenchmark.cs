using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using System.Text;

namespace Hypervisor.Sdk.Benchmarks.Qmp;

/// <summary>
/// query-status against a real QEMU. QEMU takes a hundred microseconds for it, so time says nothing of a client: every row is a process of its own, and what counts is the processor time
/// of that process for one call. Repeats are interleaved, so that a slow minute of the machine hits all rows.
/// </summary>
internal static class StatusBenchmark
{
    public const string Command = "qmp-status";
    public const string RowCommand = "qmp-status-row";

    private const int WarmupStep = 2_000;
    private const int MinWarmup = 40_000;
    private const int MaxWarmup = 80_000;
    private const int AllocationOperations = 5_000;
    private const int Windows = 20;
    private const int WindowOperations = 500;
    private static readonly string[] s_rows = ["baseline", "floor", "sdk", "sdk-object"];

    /// <summary>qmp-status [--repeats N] [--report FILE]: starts QEMU and a process for each row, prints the table.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        Figures.Check(Command, args, "--repeats", "--report");
        int repeats = int.Parse(Figures.Option(args, "--repeats") ?? "7", CultureInfo.InvariantCulture);
        var report = new StringBuilder();
        report.AppendLine("# QMP query-status: client CPU for one call").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"{repeats} interleaved runs, each a process of its own: calls until the JIT has nothing more to compile, then {Windows} windows of {WindowOperations} calls. The median is that of the runs' median windows; the best tenth tells what is left when the machine, which is shared, does not disturb. {Machine.Describe()}").AppendLine();
        report.AppendLine("Reproduce: `dotnet run -c Release --project benchmarks -- qmp-status --report benchmarks/reports/qmp-status.md`").AppendLine();
        foreach (bool pinned in (bool[])[true, false])
        {
            var samples = await MeasureAsync(pinned, repeats);
            report.AppendLine(pinned ? "## Client and QEMU on one core" : "## Not pinned (two cores)").AppendLine();
            report.AppendLine("| client | depth | client CPU, us/call, median | runs from-to | against baseline | best tenth, us/call | against baseline | bytes/call | elapsed, us/call |");
            report.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
            foreach (int depth in (int[])[1, 16])
            {
                double baseline = Median(samples[("baseline", depth)], sample => sample.CpuUs);
                double baselineBest = Median(samples[("baseline", depth)], sample => sample.BestUs);
                foreach (string row in s_rows)
                {
                    var all = samples[(row, depth)];
                    double cpu = Median(all, sample => sample.CpuUs);
                    double best = Median(all, sample => sample.BestUs);
                    report.AppendLine(CultureInfo.InvariantCulture,
                        $"| {Name(row)} | {depth} | {cpu:0.0} | {all.Min(sample => sample.CpuUs):0.0}-{all.Max(sample => sample.CpuUs):0.0} | {cpu / baseline:0.00} | {best:0.0} | {best / baselineBest:0.00} | {Median(all, sample => sample.Bytes):0} | {Median(all, sample => sample.ElapsedUs):0} |");
                }
            }

            report.AppendLine();
        }

        await Figures.TellAsync(args, report.ToString());
        return 0;
    }

    /// <summary>qmp-status-row ROW DEPTH SOCKET: one row in this process; prints CPU, elapsed time and bytes for one call.</summary>
    public static async Task<int> RunRowAsync(string[] args)
    {
        var (row, depth, socket) = (args[0], int.Parse(args[1], CultureInfo.InvariantCulture), args[2]);
        await using IStatusClient client = row switch
        {
            "baseline" => await JsonDocumentStatusClient.ConnectAsync(socket),
            "floor" => await BareSocketStatusClient.ConnectAsync(socket),
            _ => await SdkStatusClient.ConnectAsync(socket, typedObject: row == "sdk-object"),
        };
        int warmup = await WarmUpAsync(client, depth);
        GC.Collect();
        var cpu = new List<double>(Windows);
        var elapsed = new List<double>(Windows);
        for (int window = 0; window < Windows; window++)
        {
            double before = ProcessClock.Microseconds;
            long start = Stopwatch.GetTimestamp();
            await client.RunAsync(WindowOperations, depth);
            elapsed.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / WindowOperations);
            cpu.Add((ProcessClock.Microseconds - before) / WindowOperations);
        }

        // In one go, because beginning and ending a window allocates for each caller.
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        await client.RunAsync(AllocationOperations, depth);
        bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Quantile(cpu, 0.5)} {Quantile(cpu, 0.1)} {Quantile(elapsed, 0.5)} {(double)bytes / AllocationOperations} {warmup}"));
        return 0;
    }

    /// <summary>Calls until three steps in a row have compiled no method: what the JIT takes in the background is no part of a call.</summary>
    private static async Task<int> WarmUpAsync(IStatusClient client, int depth)
    {
        int calls = 0;
        for (int quiet = 0; calls < MaxWarmup && (quiet < 3 || calls < MinWarmup); calls += WarmupStep)
        {
            long compiled = JitInfo.GetCompiledMethodCount();
            await client.RunAsync(WarmupStep, depth);
            quiet = JitInfo.GetCompiledMethodCount() == compiled ? quiet + 1 : 0;
        }

        return calls;
    }

    private static async Task<Dictionary<(string Row, int Depth), List<Sample>>> MeasureAsync(bool pinned, int repeats)
    {
        var samples = new Dictionary<(string, int), List<Sample>>();
        string directory = Directory.CreateTempSubdirectory("qmp-").FullName;
        string socket = Path.Combine(directory, "qmp");
        using var qemu = Start(pinned, "qemu-system-x86_64", "-M", "none", "-nodefaults", "-display", "none", "-S", "-qmp", $"unix:{socket},server=on,wait=off");
        try
        {
            while (!File.Exists(socket) && !qemu.HasExited)
                await Task.Yield();
            for (int repeat = 0; repeat < repeats; repeat++)
            {
                foreach (int depth in (int[])[1, 16])
                {
                    foreach (string row in s_rows)
                    {
                        using var child = Start(pinned, Environment.ProcessPath!, RowCommand, row, depth.ToString(CultureInfo.InvariantCulture), socket);
                        string[] figures = (await child.StandardOutput.ReadToEndAsync()).Split(' ', StringSplitOptions.TrimEntries);
                        await child.WaitForExitAsync();
                        if (child.ExitCode != 0)
                            throw new InvalidOperationException($"The row {row} failed.");
                        if (!samples.TryGetValue((row, depth), out var list))
                            samples[(row, depth)] = list = [];
                        list.Add(new(Figure(0), Figure(1), Figure(2), Figure(3)));

                        double Figure(int index) => double.Parse(figures[index], CultureInfo.InvariantCulture);
                    }
                }

                Console.Error.WriteLine($"repeat {repeat + 1} of {repeats}, {(pinned ? "pinned" : "not pinned")}");
            }
        }
        finally
        {
            qemu.Kill();
            await qemu.WaitForExitAsync();
            Directory.Delete(directory, recursive: true);
        }

        return samples;
    }

    private static Process Start(bool pinned, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(pinned ? "taskset" : program) { RedirectStandardOutput = true };
        foreach (string argument in pinned ? ["-c", "0", program, .. arguments] : arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static string Name(string row) => row switch
    {
        "baseline" => "StreamReader + JsonDocument (baseline)",
        "floor" => "bare async Socket, parses nothing (floor)",
        "sdk" => "QmpClient.GetRunStatusAsync",
        _ => "QmpClient.QueryStatusAsync (an object)",
    };


    private static double Median(List<Sample> samples, Func<Sample, double> value) => Quantile(samples.ConvertAll(sample => value(sample)), 0.5);

    private static double Quantile(List<double> values, double q)
    {
        var sorted = values.Order().ToList();
        double at = q * (sorted.Count - 1);
        int below = (int)at;
        return below + 1 < sorted.Count ? sorted[below] + ((at - below) * (sorted[below + 1] - sorted[below])) : sorted[below];
    }

    private readonly record struct Sample(double CpuUs, double BestUs, double ElapsedUs, double Bytes);
}
