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
    private const int PickUps = 200;
    private const int Rounds = 9;
    private const int WarmUps = 1;

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is not [var file, .. var rest] || rest.Length > 1)
            throw new ArgumentException($"usage: {Command} FILE [ROWS]");
        int history = rest is [var count] ? int.Parse(count, CultureInfo.InvariantCulture) : 1_000_000;
        string machine = Machine.Describe();
        string directory = Directory.CreateTempSubdirectory("hv-jobs-").FullName;
        try
        {
            var rows = new List<string> { await RowsAsync("SQLite", "sqlite", new Place(Path.Combine(directory, "few.db"), Path.Combine(directory, "many.db"), Settle: null), history) };
            if (await PostgreSqlLab.StartAsync() is { } server)
            {
                await using (server)
                    rows.Add(await RowsAsync("PostgreSQL", "postgresql", new Place(await server.CreateAsync("few"), await server.CreateAsync("many"), () => server.SettleAsync("few", "many")), history));
            }

            await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture, $"""
                # Jobs beside a long history and a long queue

                `dotnet run -c Release --project benchmarks -- {Command} FILE [ROWS]` writes this report. {machine}

                Jobs do nothing. Two stores of a kind are measured by turns in one process: one into which {history:N0} jobs were made and run before, and one that has only those of the measurement, as many in both. A round is {Measured:N0} jobs made by {Producers} callers,
                one a call, with a worker of {Places} places that runs them; the same calls while nothing is handed out ("enqueue"); and {PickUps} single callers, each of whom waits: from the call until the handler begins ("pick-up"). The figures are the medians of {Rounds} rounds, after
                {WarmUps * Rounds} to warm up.
                "Right after" has what so many jobs left within a minute: rows and entries of indexes that nobody needs any more, and PostgreSQL beginning to vacuum them while it is measured. "Settled" is after `VACUUM ANALYZE` and `CHECKPOINT`, which it does by itself within minutes
                (`autovacuum_naptime`, `checkpoint_timeout`); nothing else of it is set otherwise than it comes. SQLite has nothing to settle. Memory is what a worker process holds (resident, at its peak) that runs {Places} jobs, which last, of {Pending:N0} that wait beside the history.

                | store | | | few jobs | after {history:N0} | slower by |
                |---|---|---|--:|--:|--:|
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

    private static async Task<string> RowsAsync(string name, string kind, Place place, int history)
    {
        Comparison after, settled;
        await using (var few = await JobsProcess.StartAsync(Store(kind, place.Few), Places))
        await using (var many = await JobsProcess.StartAsync(Store(kind, place.Many), Places))
        {
            for (int i = 0; i < WarmUps; i++)
                await CompareAsync(few, many);
            int there = many.Handler.Done.Count;
            for (int made = 0; made < history; made += Batch)
                await many.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, Math.Min(Batch, history - made)).Select(_ => new NoOpArgs(0))]);
            await many.CompleteAsync(there + history);
            after = settled = await CompareAsync(few, many);
            if (place.Settle is not null)
            {
                await place.Settle();
                settled = await CompareAsync(few, many);
            }
        }

        await using (var page = await JobsProcess.StartAsync(Store(kind, place.Many), concurrency: 0))
        {
            for (int made = 0; made < Pending; made += Batch)
                await page.Jobs.EnqueueAllAsync([.. Enumerable.Repeat(new NoOpArgs(0), Batch)]);
        }

        using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [RowCommand, kind, place.Many]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        long bytes = long.Parse((await child.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        child.StandardInput.Close();
        child.Kill();
        await child.WaitForExitAsync();
        var lines = new List<string>();
        foreach (var (state, measured) in place.Settle is null ? new[] { ("right after", after) } : [("right after", after), ("settled", settled)])
        {
            Line(state, "jobs/s", "N0", measured.Few.Rate, measured.Many.Rate, measured.Few.Rate / measured.Many.Rate);
            Line(state, "enqueue, jobs/s", "N0", measured.Few.EnqueueRate, measured.Many.EnqueueRate, measured.Few.EnqueueRate / measured.Many.EnqueueRate);
            Line(state, "pick-up p50, ms", "F2", measured.Few.PickUpMs, measured.Many.PickUpMs, measured.Many.PickUpMs / measured.Few.PickUpMs);
        }

        lines.Add(string.Create(CultureInfo.InvariantCulture, $"| {name} | | memory of a worker with {Pending:N0} pending, MiB | | {bytes / 1024.0 / 1024:F0} | |"));
        return string.Join('\n', lines);

        void Line(string state, string what, string format, double few, double many, double times) => lines.Add(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {state} | {what} | {few.ToString(format, CultureInfo.InvariantCulture)} | {many.ToString(format, CultureInfo.InvariantCulture)} | {times - 1:P0} |"));
    }

    /// <summary>One round here, one there, by turns and the other first each time, so that what the machine does meanwhile is in both.</summary>
    private static async Task<Comparison> CompareAsync(JobsProcess few, JobsProcess many)
    {
        var fewRounds = new List<Load>();
        var manyRounds = new List<Load>();
        for (int round = 0; round < Rounds; round++)
        {
            bool isFewFirst = round % 2 == 0;
            (isFewFirst ? fewRounds : manyRounds).Add(await MeasureAsync(isFewFirst ? few : many));
            (isFewFirst ? manyRounds : fewRounds).Add(await MeasureAsync(isFewFirst ? many : few));
        }

        return new Comparison(Median(fewRounds), Median(manyRounds));

        static Load Median(List<Load> rounds) => new(Middle(rounds, round => round.Rate), Middle(rounds, round => round.EnqueueRate), Middle(rounds, round => round.PickUpMs));

        static double Middle(List<Load> rounds, Func<Load, double> figure) => rounds.Select(figure).Order().ElementAt(rounds.Count / 2);
    }

    private static async Task<Load> MeasureAsync(JobsProcess worker)
    {
        int there = worker.Handler.Done.Count;
        var clock = Stopwatch.StartNew();
        await worker.EnqueueAsync(Measured, Producers);
        await worker.CompleteAsync(there + Measured);
        double rate = Measured / clock.Elapsed.TotalSeconds;
        there += Measured;
        await worker.Jobs.PauseAsync();
        clock.Restart();
        await worker.EnqueueAsync(Measured, Producers);
        double enqueueRate = Measured / clock.Elapsed.TotalSeconds;
        await worker.Jobs.ResumeAsync();
        await worker.CompleteAsync(there + Measured);
        var waits = worker.Handler.WaitTicks = [];
        for (int i = 0; i < PickUps; i++)
            await (await worker.Jobs.EnqueueAsync(new NoOpArgs(TimeProvider.System.GetTimestamp()))).WaitAsync();
        worker.Handler.WaitTicks = null;
        return new Load(rate, enqueueRate, TimeSpan.FromSeconds((double)waits.Order().ElementAt(waits.Count / 2) / Stopwatch.Frequency).TotalMilliseconds);
    }

    private static Action<JobsBuilder> Store(string kind, string place) => builder => _ = kind == "sqlite" ? builder.UseSqlite(place) : builder.UsePostgreSql(place);

    /// <summary>Two stores of one kind: one keeps few jobs, one gets the history.</summary>
    private sealed record Place(string Few, string Many, Func<Task>? Settle);

    private sealed record Load(double Rate, double EnqueueRate, double PickUpMs);

    private sealed record Comparison(Load Few, Load Many);
}
