using System.Diagnostics;
using System.Globalization;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.Benchmarks.Jobs;

/// <summary>What a long history costs those who make jobs and take them, and what a worker needs beside a long queue.</summary>
internal static class JobsLoadReport
{
    public const string Command = "jobs-load";
    public const string RowCommand = "jobs-load-row";

    private const int Producers = 16;
    private const int Places = 64;
    private const int Pending = 100_000;
    private const int Batch = 5_000;
    private const int Measured = 10_000;
    private const int Rounds = 5;
    private const int WarmUps = 2;

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is not [var file, .. var rest] || rest.Length > 1)
            throw new ArgumentException($"usage: {Command} FILE [ROWS]");
        int history = rest is [var count] ? int.Parse(count, CultureInfo.InvariantCulture) : 1_000_000;
        string machine = Machine.Describe();
        string directory = Directory.CreateTempSubdirectory("hv-jobs-").FullName;
        try
        {
            var rows = new List<string> { await RowAsync("SQLite", "sqlite", Path.Combine(directory, "jobs.db"), history, settle: null) };
            if (await PostgreSqlLab.StartAsync() is { } server)
            {
                await using (server)
                    rows.Add(await RowAsync("PostgreSQL", "postgresql", server.ConnectionString, history, server.SettleAsync));
            }

            await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture, $"""
                # Jobs beside a long history and a long queue

                `dotnet run -c Release --project benchmarks -- {Command} FILE [ROWS]` writes this report. {machine}

                Jobs do nothing. First {Measured:N0} are made by {Producers} callers, one a call, with a worker of {Places} places that runs them; the median of {Rounds} rounds, after {WarmUps * Rounds * Measured:N0} to warm up. Then {history:N0} are made and run, and the same is
                measured again: right after it, and settled. What runs beside on the machine is in all figures: compare those of one row.
                "Right after" has what so many jobs left within a minute: rows and entries of indexes that nobody needs any more, and PostgreSQL beginning to vacuum them while it is measured. "Settled" is after `VACUUM ANALYZE` and `CHECKPOINT`, which it does by itself within minutes
                (`autovacuum_naptime`, `checkpoint_timeout`); nothing else of it is set otherwise than it comes. SQLite has nothing to settle.
                "Enqueue" is the same calls while nothing is handed out. "Pick-up" is from the call until the handler begins, of single callers who wait. Memory is what a worker process holds (resident, at its peak) that runs {Places} jobs, which last, of {Pending:N0} that wait.

                | store | | before | right after {history:N0} | slower by | settled | slower by |
                |---|---|--:|--:|--:|--:|--:|
                {string.Join('\n', rows)}

                """));
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>The process whose memory is measured: a worker on a queue that is there. Its jobs last until it is told to stop.</summary>
    public static async Task<int> RunRowAsync(string[] args)
    {
        var told = Task.Run(Console.In.ReadLineAsync);
        await using var worker = await JobsProcess.StartAsync(Store(args[0], args[1]), Places, handler => handler.Until = told);
        await worker.Handler.Begun.ReachAsync(Places);
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(self.PeakWorkingSet64);
        await told;
        return 0;
    }

    private static async Task<string> RowAsync(string name, string kind, string place, int history, Func<Task>? settle)
    {
        var store = Store(kind, place);
        Load before, after, settled;
        await using (var worker = await JobsProcess.StartAsync(store, Places))
        {
            for (int i = 0; i < WarmUps; i++)
                await MeasureAsync(worker);
            before = await MeasureAsync(worker);
            int there = worker.Handler.Done.Count;
            for (int made = 0; made < history; made += Batch)
                await worker.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, Math.Min(Batch, history - made)).Select(_ => new NoOpArgs(0))]);
            await worker.CompleteAsync(there + history);
            after = settled = await MeasureAsync(worker);
            if (settle is not null)
            {
                await settle();
                settled = await MeasureAsync(worker);
            }
        }

        await using (var page = await JobsProcess.StartAsync(store, concurrency: 0))
        {
            for (int made = 0; made < Pending; made += Batch)
                await page.Jobs.EnqueueAllAsync([.. Enumerable.Repeat(new NoOpArgs(0), Batch)]);
        }

        using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [RowCommand, kind, place]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        long bytes = long.Parse((await child.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        child.StandardInput.Close();
        child.Kill();
        await child.WaitForExitAsync();
        return string.Join('\n',
            Line("jobs/s", "N0", load => load.Rate, load => before.Rate / load.Rate),
            Line("enqueue, jobs/s", "N0", load => load.EnqueueRate, load => before.EnqueueRate / load.EnqueueRate),
            Line("pick-up p50, ms", "F2", load => load.PickUpMs, load => load.PickUpMs / before.PickUpMs),
            string.Create(CultureInfo.InvariantCulture, $"| {name} | memory of a worker with {Pending:N0} pending, MiB | | | | {bytes / 1024.0 / 1024:F0} | |"));

        string Line(string what, string format, Func<Load, double> figure, Func<Load, double> times) => string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {what} | {figure(before).ToString(format, CultureInfo.InvariantCulture)} | {figure(after).ToString(format, CultureInfo.InvariantCulture)} | {times(after) - 1:P0} | {figure(settled).ToString(format, CultureInfo.InvariantCulture)} | {times(settled) - 1:P0} |");

    }

    private static async Task<Load> MeasureAsync(JobsProcess worker)
    {
        var rates = new List<double>();
        var enqueueRates = new List<double>();
        for (int round = 0; round < Rounds; round++)
        {
            int there = worker.Handler.Done.Count;
            var clock = Stopwatch.StartNew();
            await worker.EnqueueAsync(Measured, Producers);
            await worker.CompleteAsync(there + Measured);
            rates.Add(Measured / clock.Elapsed.TotalSeconds);
            there += Measured;
            await worker.Jobs.PauseAsync();
            clock.Restart();
            await worker.EnqueueAsync(Measured, Producers);
            enqueueRates.Add(Measured / clock.Elapsed.TotalSeconds);
            await worker.Jobs.ResumeAsync();
            await worker.CompleteAsync(there + Measured);
        }

        var waits = worker.Handler.WaitTicks = [];
        for (int i = 0; i < 300; i++)
            await (await worker.Jobs.EnqueueAsync(new NoOpArgs(TimeProvider.System.GetTimestamp()))).WaitAsync();
        worker.Handler.WaitTicks = null;
        return new Load(rates.Order().ElementAt(Rounds / 2), enqueueRates.Order().ElementAt(Rounds / 2),
            TimeSpan.FromSeconds((double)waits.Order().ElementAt(waits.Count / 2) / Stopwatch.Frequency).TotalMilliseconds);
    }

    private static Action<JobsBuilder> Store(string kind, string place) => builder => _ = kind == "sqlite" ? builder.UseSqlite(place) : builder.UsePostgreSql(place);

    private sealed record Load(double Rate, double EnqueueRate, double PickUpMs);
}
