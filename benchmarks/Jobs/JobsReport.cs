using System.Diagnostics;
using System.Globalization;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.Benchmarks.Jobs;

/// <summary>How many jobs the engine makes, runs and ends over its durable stores, and how long one waits.</summary>
internal static class JobsReport
{
    public const string Command = "jobs";

    private const int Producers = 16;
    private const int Places = 500;
    private const int Rounds = 3;
    private const int Singles = 1000;

    private static readonly TimeSpan SustainedTime = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is not [var file, .. var rest])
            throw new ArgumentException($"usage: {Command} FILE [JOBS [STORE]]");
        string? only = rest is [_, var store] ? store : null;
        int jobs = rest is [var count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : 20_000;
        string directory = Directory.CreateTempSubdirectory("hv-jobs-").FullName;
        try
        {
            string machine = Machine.Describe();
            double fsync = FsyncMs(directory);
            int ordinal = 0;
            string peers = "PostgreSQL is not here: its rows are missing.\n";
            var rows = new List<Row>();
            if (only is null or "sqlite")
            {
                rows.Add(await MeasureAsync("SQLite", () =>
                {
                    string path = Path.Combine(directory, $"jobs{ordinal++}.db");
                    return builder => builder.UseSqlite(path);
                }, jobs));
            }

            if ((only is null or "postgresql") && await PostgreSqlLab.StartAsync() is { } server)
            {
                await using (server)
                {
                    string database = server.ConnectionString;
                    rows.Add(await MeasureAsync("PostgreSQL", () => builder => builder.UsePostgreSql(database), jobs));
                    peers = await PeersAsync(server, jobs);
                }
            }

            await File.WriteAllTextAsync(file, Text(machine, fsync, jobs, rows) + peers);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<Row> MeasureAsync(string name, Func<Action<JobsBuilder>> place, int jobs)
    {
        var enqueue = new List<double>();
        var burn = new List<double>();
        var both = new List<double>();
        var single = new List<double>();
        var pickUp = new List<double>();
        double bytes = 0;
        double sustained = 0;
        for (int round = 0; round <= Rounds; round++)
        {
            // The first round warms up.
            bool counts = round > 0;
            int some = counts ? jobs : jobs / 10;
            var store = place();
            await using (var page = await JobsProcess.StartAsync(store, concurrency: 0))
            {
                var time = Stopwatch.StartNew();
                await page.EnqueueAsync(some, Producers);
                if (counts)
                    enqueue.Add(some / time.Elapsed.TotalSeconds);
                for (int i = 0; counts && i < Singles; i++)
                {
                    time.Restart();
                    await page.Jobs.EnqueueAsync(new NoOpArgs(0));
                    single.Add(time.Elapsed.TotalMilliseconds);
                }
            }

            // The start of the worker counts, as it does for the peers.
            var clock = Stopwatch.StartNew();
            await using var worker = await JobsProcess.StartAsync(store, Places);
            int there = some + (counts ? Singles : 0);
            await worker.CompleteAsync(there);
            if (counts)
                burn.Add(there / clock.Elapsed.TotalSeconds);
            long before = GC.GetTotalAllocatedBytes();
            clock.Restart();
            await worker.EnqueueAsync(some, Producers);
            await worker.CompleteAsync(there + some);
            double rate = some / clock.Elapsed.TotalSeconds;
            if (!counts)
                continue;
            both.Add(rate);
            bytes = (GC.GetTotalAllocatedBytes() - before) / (double)some;
            pickUp.AddRange(await PickUpAsync(worker, rate / 2, there + some));
            if (both.Count == Rounds)
                sustained = await SustainAsync(worker);
        }

        return new Row(name, Middle(both), sustained, Middle(enqueue), Middle(burn), Percentile(single, 0.5), Percentile(pickUp, 0.5), Percentile(pickUp, 0.99), bytes);
    }

    // Both for longer than anything of the server's can be put off: what it costs it to write, to vacuum and to look at is in it.
    private static async Task<double> SustainAsync(JobsProcess worker)
    {
        int there = worker.Handler.Done.Count;
        var clock = Stopwatch.StartNew();
        int[] made = await Task.WhenAll(Enumerable.Range(0, Producers).Select(_ => Task.Run(async () =>
        {
            int mine = 0;
            for (; clock.Elapsed < SustainedTime; mine++)
                await worker.Jobs.EnqueueAsync(new NoOpArgs(0));
            return mine;
        })));
        await worker.CompleteAsync(there + made.Sum());
        return made.Sum() / clock.Elapsed.TotalSeconds;
    }

    // A second of half the load, evenly: from when a job was made until its handler began.
    private static async Task<List<double>> PickUpAsync(JobsProcess worker, double perSecond, int there)
    {
        var waits = worker.Handler.WaitTicks = [];
        var clock = Stopwatch.StartNew();
        int made = 0;
        var calls = new List<Task>();
        while (clock.Elapsed.TotalSeconds < 1)
        {
            for (; made < clock.Elapsed.TotalSeconds * perSecond; made++)
                calls.Add(worker.Jobs.EnqueueAsync(new NoOpArgs(TimeProvider.System.GetTimestamp())));
            await Task.Delay(1);
        }

        await Task.WhenAll(calls);
        await worker.CompleteAsync(there + made);
        worker.Handler.WaitTicks = null;
        return [.. waits.Select(ticks => TimeSpan.FromSeconds((double)ticks / Stopwatch.Frequency).TotalMilliseconds)];
    }

    // Beside it, in the same run and over the same server, what others do; `npm ci` in that directory brings those of Node.
    private static async Task<string> PeersAsync(PostgreSqlLab server, int jobs)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "../../../../benchmarks/Jobs/peers/peers.mjs");
        bool hasNode = Directory.Exists(Path.Combine(Path.GetDirectoryName(program)!, "node_modules"));
        var text = new System.Text.StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""

            Others over the same server, in the same run, the same number of callers, one job a call, of which there are {jobs / 4:N0}, in one round; burn-down of {jobs:N0} jobs, the median of three rounds after all those to warm up. Quartz.NET, which keeps nothing of what has run, with {jobs / 10:N0} jobs, in one round:

            | peer | both, jobs/s | enqueue, jobs/s | burn-down, jobs/s |
            |---|--:|--:|--:|

            """));
        if (hasNode)
        {
            using var node = Process.Start(new ProcessStartInfo("node", [program, server.Directory, jobs.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true })!;
            string output = await node.StandardOutput.ReadToEndAsync();
            await node.WaitForExitAsync();
            if (node.ExitCode != 0)
                throw new InvalidOperationException($"The peers ended with code {node.ExitCode}.");
            foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                using var row = System.Text.Json.JsonDocument.Parse(line);
                var values = row.RootElement;
                Add(values.GetProperty("name").GetString()!, values.GetProperty("both").GetDouble(), values.GetProperty("enqueue").GetDouble(), values.GetProperty("burnDown").GetDouble());
            }
        }

        var (both, enqueue, burnDown) = await QuartzPeer.MeasureAsync(server.ConnectionString, jobs / 10, Producers, Places);
        Add("Quartz.NET 3.20.0, one job, a trigger each", both, enqueue, burnDown);
        if (!hasNode)
            text.Append("\npg-boss and graphile-worker are not here (`npm ci` in `benchmarks/Jobs/peers`): their rows are missing.\n");
        return text.ToString();

        void Add(string name, double both, double enqueue, double burnDown) => text.Append(CultureInfo.InvariantCulture, $"| {name} | {both:N0} | {enqueue:N0} | {burnDown:N0} |\n");
    }

    private static double FsyncMs(string directory)
    {
        using var file = File.OpenHandle(Path.Combine(directory, "fsync"), FileMode.CreateNew, FileAccess.Write);
        byte[] page = new byte[4096];
        var times = new List<double>();
        for (int i = 0; i < 300; i++)
        {
            var clock = Stopwatch.StartNew();
            RandomAccess.Write(file, page, i * 4096L);
            RandomAccess.FlushToDisk(file);
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        return Percentile(times, 0.5);
    }

    private static double Middle(List<double> values) => Percentile(values, 0.5);

    private static double Percentile(List<double> values, double part) => values.Order().ElementAt((int)Math.Min(values.Count - 1, values.Count * part));

    private static string Text(string machine, double fsync, int jobs, List<Row> rows) => string.Create(CultureInfo.InvariantCulture, $"""
        # Jobs a second, and how long one waits

        `dotnet run -c Release --project benchmarks -- {Command} FILE [JOBS [STORE]]` writes this report. {machine}
        {Environment.ProcessorCount} processors (virtual), shared by the engine, its callers and the server. A write of 4 KiB with fsync takes {fsync:F2} ms here (p50 of 300).

        Jobs do nothing. {Producers} callers make {jobs:N0} jobs, one a call; one worker has {Places} places, as many as graphile-worker's local queue. SQLite: write-ahead log, `synchronous=FULL`. PostgreSQL: as initdb leaves it, so fsync and
        `synchronous_commit` are on. Medians of three rounds after one to warm up. "Both" is from the first call until every end is durable, "sustained" the same for {SustainedTime.TotalSeconds:N0} s; "enqueue" is without a worker, "burn-down" without callers; "one
        call" is a single caller who waits for each; "pick-up" is from the call until the handler begins, at half of "both", calls included. Allocation is that of "both", callers included.

        | store | both, jobs/s | sustained, jobs/s | enqueue, jobs/s | burn-down, jobs/s | one call p50 | in fsyncs | pick-up p50 | p99 | allocated a job |
        |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
        {string.Join('\n', rows.Select(row => string.Create(CultureInfo.InvariantCulture,
            $"| {row.Name} | {row.Both:N0} | {row.Sustained:N0} | {row.Enqueue:N0} | {row.Burn:N0} | {row.SingleMs:F2} ms | {row.SingleMs / fsync:F1} | {row.PickUpMs:F1} ms | {row.PickUpLateMs:F1} ms | {row.Bytes / 1024:F1} KiB |")))}

        """);

    private sealed record Row(string Name, double Both, double Sustained, double Enqueue, double Burn, double SingleMs, double PickUpMs, double PickUpLateMs, double Bytes);
}
