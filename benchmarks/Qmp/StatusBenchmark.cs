using System.Diagnostics;
using System.Globalization;
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

    private const int Warmup = 6_000;
    private const int Operations = 12_000;
    private static readonly string[] s_rows = ["baseline", "floor", "sdk", "sdk-object"];

    /// <summary>qmp-status [--repeats N] [--report FILE]: starts QEMU and a process for each row, prints the table.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        int repeats = int.Parse(Option(args, "--repeats") ?? "7", CultureInfo.InvariantCulture);
        var report = new StringBuilder();
        report.AppendLine("# QMP query-status: client CPU for one call").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"Median of {repeats} interleaved runs of {Operations} calls after {Warmup} to warm up; a process for each run. {Machine.Describe()}").AppendLine();
        report.AppendLine("Reproduce: `dotnet run -c Release --project benchmarks -- qmp-status --report benchmarks/reports/qmp-status.md`").AppendLine();
        foreach (bool pinned in (bool[])[true, false])
        {
            var samples = await MeasureAsync(pinned, repeats);
            report.AppendLine(pinned ? "## Client and QEMU on one core" : "## Not pinned (two cores)").AppendLine();
            report.AppendLine("| client | depth | client CPU, us/call | spread | against baseline | bytes/call | elapsed, us/call |");
            report.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
            foreach (int depth in (int[])[1, 16])
            {
                double baseline = Median(samples[("baseline", depth)], sample => sample.CpuUs);
                foreach (string row in s_rows)
                {
                    var all = samples[(row, depth)];
                    double cpu = Median(all, sample => sample.CpuUs);
                    double spread = (all.Max(sample => sample.CpuUs) - all.Min(sample => sample.CpuUs)) / cpu;
                    report.AppendLine(CultureInfo.InvariantCulture,
                        $"| {Name(row)} | {depth} | {cpu:0.0} | {spread:P0} | {cpu / baseline:0.00} | {Median(all, sample => sample.Bytes):0} | {Median(all, sample => sample.ElapsedUs):0} |");
                }
            }

            report.AppendLine();
        }

        Console.Write(report);
        if (Option(args, "--report") is { } file)
            await File.WriteAllTextAsync(file, report.ToString().ReplaceLineEndings("\n"));
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
        await client.RunAsync(Warmup, depth);
        GC.Collect();
        var process = Process.GetCurrentProcess();
        process.Refresh();
        var cpu = process.TotalProcessorTime;
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        await client.RunAsync(Operations, depth);
        var elapsed = Stopwatch.GetElapsedTime(start);
        bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        process.Refresh();
        cpu = process.TotalProcessorTime - cpu;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{cpu.TotalMicroseconds / Operations} {elapsed.TotalMicroseconds / Operations} {(double)bytes / Operations}"));
        return 0;
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
                        list.Add(new(double.Parse(figures[0], CultureInfo.InvariantCulture), double.Parse(figures[1], CultureInfo.InvariantCulture), double.Parse(figures[2], CultureInfo.InvariantCulture)));
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

    private static string? Option(string[] args, string name) => Array.IndexOf(args, name) is >= 0 and var i && i + 1 < args.Length ? args[i + 1] : null;

    private static double Median(List<Sample> samples, Func<Sample, double> value)
    {
        var sorted = samples.Select(value).Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[sorted.Count / 2 - 1] + sorted[sorted.Count / 2]) / 2;
    }

    private readonly record struct Sample(double CpuUs, double ElapsedUs, double Bytes);
}
