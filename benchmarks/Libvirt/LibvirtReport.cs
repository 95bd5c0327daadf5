using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Benchmarks.Libvirt;

/// <summary>
/// Calls to a real libvirtd (test driver) by its own C library and by ours. Every row is a process of its own; repeats are interleaved, so that a slow minute of the machine hits all rows.
/// </summary>
internal static class LibvirtReport
{
    public const string Command = "libvirt";

    private const int Windows = 15;
    private static readonly Row[] s_rows =
    [
        new("ConnectGetLibVersion, depth 1", "version", 1, "small", 1000), new("DomainGetInfo, depth 1", "info", 1, "small", 1000), new("DomainGetInfo, depth 16", "info", 16, "small", 1600),
        new("DomainGetInfo, depth 48", "info", 48, "small", 1920), new("ConnectListAllDomains, 1000 domains", "list", 1, "large", 10), new("ConnectGetAllDomainStats, 1000 domains", "stats", 1, "large", 10),
    ];

    /// <summary>libvirt [--repeats N] [--report FILE]: from the root of the repository, as root, with libvirtd, libvirt-dev and cc. Prints the table.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        Figures.Check(Command, args, "--repeats", "--report");
        int repeats = int.Parse(Figures.Option(args, "--repeats") ?? "5", CultureInfo.InvariantCulture);
        var report = new StringBuilder();
        report.AppendLine("# libvirt RPC: the C library and this one against one libvirtd").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"{repeats} interleaved runs, each a process of its own, {Windows} windows each; medians of the runs' median windows. A depth above one is as many threads on one connection for the C library, and as many callers for ours. The daemon runs the test driver, over a unix socket, `max_client_requests` 64. {Machine.Describe()}").AppendLine();
        report.AppendLine("Reproduce, as root: `dotnet run -c Release --project benchmarks -- libvirt --report benchmarks/reports/libvirt.md`").AppendLine();
        string directory = Directory.CreateTempSubdirectory("lv-").FullName;
        try
        {
            string baseline = Path.Combine(directory, "baseline");
            await RunToEndAsync("cc", "-O2", "-o", baseline, "benchmarks/Libvirt/baseline.c", "-lvirt", "-lpthread");
            foreach (bool pinned in (bool[])[true, false])
                await MeasureAsync(report, directory, baseline, pinned, repeats);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        await Figures.TellAsync(args, report.ToString());
        return 0;
    }

    private static async Task MeasureAsync(StringBuilder report, string directory, string baseline, bool pinned, int repeats)
    {
        using var daemon = StartDaemon(directory, pinned);
        var samples = new Dictionary<(Row, bool IsOurs), List<Sample>>();
        try
        {
            while (!File.Exists(Path.Combine(directory, "s", "libvirt-sock")) && !daemon.HasExited)
                await Task.Yield();
            WriteNode(Path.Combine(directory, "small.xml"), 1);
            WriteNode(Path.Combine(directory, "large.xml"), 1000);
            for (int repeat = 0; repeat < repeats; repeat++)
            {
                foreach (var row in s_rows)
                {
                    foreach (bool isOurs in (bool[])[false, true])
                    {
                        string[] rest = [row.Operation, Text(row.Depth), Text(Windows), Text(row.Calls)];
                        string socket = Path.Combine(directory, "s", "libvirt-sock");
                        string node = Path.Combine(directory, row.Node + ".xml");
                        string output = isOurs
                            ? await RunToEndAsync(pinned, Environment.ProcessPath!, [LibvirtRow.Command, $"test+unix://{node}?socket={socket}", .. rest])
                            : await RunToEndAsync(pinned, baseline, [$"test+unix://{node}?socket={socket}", .. rest]);
                        double[] figures = [.. output.Split(' ', StringSplitOptions.TrimEntries).Select(figure => double.Parse(figure, CultureInfo.InvariantCulture))];
                        if (!samples.TryGetValue((row, isOurs), out var list))
                            samples[(row, isOurs)] = list = [];
                        list.Add(new Sample(figures[0], figures[1], figures[2]));
                    }
                }

                Console.Error.WriteLine($"repeat {repeat + 1} of {repeats}, {(pinned ? "pinned" : "not pinned")}");
            }
        }
        finally
        {
            daemon.Kill();
            await daemon.WaitForExitAsync();
            File.Delete(Path.Combine(directory, "s", "libvirt-sock"));
        }

        report.AppendLine(pinned ? "## Client and daemon on one core" : "## Not pinned").AppendLine();
        report.AppendLine("| call | C library, us/call | ours, us/call | ratio | C library's CPU, us | our CPU, us | ratio | our bytes/call |");
        report.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var row in s_rows)
        {
            var (c, ours) = (samples[(row, false)], samples[(row, true)]);
            var (cElapsed, elapsed) = (Median(c, sample => sample.ElapsedUs), Median(ours, sample => sample.ElapsedUs));
            var (cCpu, cpu) = (Median(c, sample => sample.CpuUs), Median(ours, sample => sample.CpuUs));
            report.AppendLine(CultureInfo.InvariantCulture,
                $"| {row.Name} | {cElapsed:0.0} | {elapsed:0.0} | {elapsed / cElapsed:0.00} | {cCpu:0.0} | {cpu:0.0} | {cpu / cCpu:0.00} | {Median(ours, sample => sample.Bytes):0} |");
        }

        var (first, deep) = (Median(samples[(s_rows[1], false)], sample => sample.ElapsedUs), Median(samples[(s_rows[2], true)], sample => sample.ElapsedUs));
        report.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Our DomainGetInfo at depth 16 against the C library's at depth 1: {deep / first:0.00}.").AppendLine();
    }

    private static Process StartDaemon(string directory, bool pinned)
    {
        Directory.CreateDirectory(Path.Combine(directory, "s"));
        string configuration = Path.Combine(directory, "libvirtd.conf");
        File.WriteAllText(configuration, $"unix_sock_dir = \"{directory}/s\"\nauth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\nmax_client_requests = 64\nhost_uuid = \"{Guid.NewGuid()}\"\nlog_outputs = \"4:file:{directory}/log\"\n");
        string[] command = ["unshare", "--mount", "tests/Libvirt.Tests/Lab/private-libvirtd", Path.Combine(directory, "state"), "/usr/sbin/libvirtd", "--config", configuration, "--pid-file", Path.Combine(directory, "pid")];
        return Start(pinned, command[0], command[1..]);
    }

    private static void WriteNode(string path, int domains)
    {
        var node = new StringBuilder("<node>");
        for (int i = 0; i < domains; i++)
            node.Append(CultureInfo.InvariantCulture, $"<domain type='test'><name>web{i}</name><uuid>{Guid.NewGuid()}</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>");
        File.WriteAllText(path, node.Append("</node>").ToString());
    }

    private static Task<string> RunToEndAsync(string program, params string[] arguments) => RunToEndAsync(false, program, arguments);

    private static async Task<string> RunToEndAsync(bool pinned, string program, string[] arguments)
    {
        using var process = Start(pinned, program, arguments);
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }

    private static Process Start(bool pinned, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(pinned ? "taskset" : program) { RedirectStandardOutput = true };
        foreach (string argument in pinned ? ["-c", "0", program, .. arguments] : arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);


    private static double Median(List<Sample> samples, Func<Sample, double> value)
    {
        var sorted = samples.Select(value).Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private sealed record Row(string Name, string Operation, int Depth, string Node, int Calls);

    private readonly record struct Sample(double ElapsedUs, double CpuUs, double Bytes);
}
