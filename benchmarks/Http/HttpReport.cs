using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Benchmarks.Http;

/// <summary>
/// HTTP and WebSocket over a unix socket against a stub of blocking calls in a process of its own. Each row is a process of its own too, and what counts is the processor time of that
/// process for one operation; rows take turns, so that a busy minute of the machine meets them all.
/// </summary>
internal static class HttpReport
{
    public const string Command = "http-unix";

    private static readonly (string Title, string[] Rows, int[] Concurrency)[] s_questions =
    [
        ("GET, a body of 9.9 kB with a length", ["httpclient", "pool", "pool-own-thread"], [1, 16]),
        ("WebSocket echo of 64 B", ["clientwebsocket-64", "websocket-64", "websocket-own-thread-64"], [1]),
        ("WebSocket echo of 64 KiB", ["clientwebsocket-65536", "websocket-65536", "websocket-own-thread-65536"], [1]),
    ];

    /// <summary>http-unix FILE [REPEATS]: writes the report.</summary>
    public static async Task<int> RunAsync(string file, int repeats)
    {
        var report = new StringBuilder();
        report.AppendLine("# HTTP and WebSocket over a unix socket: client CPU for one operation").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"`dotnet run -c Release --project benchmarks -- {Command} <file> [repeats]` writes this report. {Machine.Describe()} {Environment.ProcessorCount} processors, shared with other work.");
        report.AppendLine(CultureInfo.InvariantCulture, $"{repeats} interleaved runs of each row, each a process of its own; the server is a stub of blocking calls in another process; both pinned to one core. Medians of the runs, and from-to. Processor time is the client's alone; compare ratios.").AppendLine();
        foreach (var (title, rows, concurrencies) in s_questions)
        {
            report.AppendLine(CultureInfo.InvariantCulture, $"## {title}").AppendLine();
            report.AppendLine("| client | at once | client CPU, us | from-to | against the first | elapsed, us | operations a second against the first | allocated, B |");
            report.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
            foreach (int concurrency in concurrencies)
                await MeasureAsync(report, rows, concurrency, repeats);
            report.AppendLine();
        }

        report.AppendLine(CultureInfo.InvariantCulture, $"Load average at the end: {File.ReadAllText("/proc/loadavg").Split(' ')[0]}.");
        await File.WriteAllTextAsync(file, report.ToString().ReplaceLineEndings("\n"));
        return 0;
    }

    private static async Task MeasureAsync(StringBuilder report, string[] rows, int concurrency, int repeats)
    {
        var samples = rows.ToDictionary(row => row, _ => new List<double[]>());
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            foreach (string row in rows)
                samples[row].Add(await RunRowAsync(row, concurrency));
        }

        double cpu = Median(samples[rows[0]], 0);
        double elapsed = Median(samples[rows[0]], 1);
        foreach (string row in rows)
        {
            var all = samples[row];
            report.AppendLine(CultureInfo.InvariantCulture,
                $"| {Name(row)} | {concurrency} | {Median(all, 0):0.0} | {all.Min(s => s[0]):0.0}-{all.Max(s => s[0]):0.0} | {Median(all, 0) / cpu:0.00} | {Median(all, 1):0.0} | {elapsed / Median(all, 1):0.00} | {Median(all, 2):0.0} |");
        }
    }

    private static async Task<double[]> RunRowAsync(string row, int concurrency)
    {
        string directory = Directory.CreateTempSubdirectory("hv-").FullName;
        try
        {
            string socket = Path.Combine(directory, "s");
            using Process server = Start(HttpStub.Command, socket);
            await server.StandardOutput.ReadLineAsync();
            using Process client = Start(HttpRows.Command, row, concurrency.ToString(CultureInfo.InvariantCulture), socket);
            string figures = await client.StandardOutput.ReadToEndAsync();
            await client.WaitForExitAsync();
            server.Kill();
            await server.WaitForExitAsync();
            if (client.ExitCode != 0)
                throw new InvalidOperationException($"The row {row} failed.");
            return [.. figures.Split(' ', StringSplitOptions.TrimEntries).Select(figure => double.Parse(figure, CultureInfo.InvariantCulture))];
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo("taskset", ["-c", "0", Environment.ProcessPath!, .. arguments]) { RedirectStandardOutput = true })!;

    private static double Median(List<double[]> samples, int figure) => samples.Select(sample => sample[figure]).Order().ElementAt(samples.Count / 2);

    private static string Name(string row) => row switch
    {
        "httpclient" => "HttpClient, ConnectCallback (baseline)",
        "pool" => "HttpConnectionPool",
        "pool-own-thread" => "HttpConnectionPool, OwnThread",
        _ when row.StartsWith("clientwebsocket", StringComparison.Ordinal) => "ClientWebSocket (baseline)",
        _ when row.StartsWith("websocket-own", StringComparison.Ordinal) => "WebSocketConnection, OwnThread",
        _ => "WebSocketConnection",
    };
}
