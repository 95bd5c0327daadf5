using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Arguments that changed their form: older ones are brought to the new one, newer ones are left to who knows them.</summary>
public sealed class ArgumentTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task Arguments_of_an_older_version_are_brought_to_that_of_the_handler_step_by_step()
    {
        JobId one, two;
        await using (var first = await StartAsync(One))
            one = (await first.Jobs.EnqueueAsync(new GrowArgsOne("web1", 512), new JobOptions { Delay = TimeSpan.FromMinutes(1) }, Token)).Id;
        await using (var second = await StartAsync(Two, concurrency: 0))
        {
            Assert.Equal(1, (await second.Jobs.GetAsync(one, Token))!.ArgsVersion);
            two = (await second.Jobs.EnqueueAsync(new GrowArgsTwo("web2", 77), cancellationToken: Token)).Id;
        }

        await using var third = await StartAsync(Three);
        Assert.Equal("web2 77 False", await _clock.UntilAsync(third.Jobs.WaitAsync<string>(two, Token)));
        Assert.Equal("web1 536870912 False", await _clock.UntilAsync(third.Jobs.WaitAsync<string>(one, Token)));
    }

    [Fact(Timeout = 120_000)]
    public async Task Jobs_and_schedules_with_newer_arguments_are_left_to_a_worker_that_knows_them()
    {
        await using var newer = await StartAsync(Three, concurrency: 0);
        await using var older = await StartAsync(Two);
        var handle = await newer.Jobs.EnqueueAsync(new GrowArgs("web1", 1, true), cancellationToken: Token);
        await newer.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "@hourly" }, new GrowArgs("web2", 2, true), Token);
        var known = await older.Jobs.EnqueueAsync(new GrowArgsTwo("web3", 3), cancellationToken: Token);
        Assert.Equal("web3 3", await _clock.UntilAsync(known.WaitAsync<string>(Token)));
        for (var until = _clock.GetUtcNow().AddHours(2); _clock.GetUtcNow() < until;)
            await _clock.TickAsync(stepSeconds: 600);
        Assert.Equal((JobState.Pending, 3), ((await older.Jobs.GetAsync(handle.Id, Token))!.State, (await older.Jobs.GetAsync(handle.Id, Token))!.ArgsVersion));
        Assert.Equal(PendingKind.NoHandlerHere, (await older.Jobs.GetPendingReasonAsync(handle.Id, Token))!.Kind);
        Assert.Equal(PendingKind.Queued, (await newer.Jobs.GetPendingReasonAsync(handle.Id, Token))!.Kind);
        Assert.Equal(2, await older.Jobs.ListAsync(cancellationToken: Token).CountAsync(Token));

        await using var worker = await StartAsync(Three);
        Assert.Equal("web1 1 True", await _clock.UntilAsync(newer.Jobs.WaitAsync<string>(handle.Id, Token), parkedTimers: 5));
    }

    [Fact(Timeout = 120_000)]
    public async Task Arguments_so_old_that_nobody_can_read_them_fail_at_once_and_say_so()
    {
        JobId id;
        await using (var first = await StartAsync(One, concurrency: 0))
            id = (await first.Jobs.EnqueueAsync(new GrowArgsOne("web1", 512), cancellationToken: Token)).Id;
        await using var third = await StartAsync(options => options.ArgsVersion = 3);
        var ended = await third.Jobs.WaitAsync(id, Token);
        Assert.Equal((JobState.Failed, 1), (ended.State, ended.Attempts));
        Assert.Contains("of version 1, and there is no upcaster from it", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upcasters_with_a_gap_are_refused_at_the_start()
    {
        var refusal = await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(options =>
        {
            options.ArgsVersion = 3;
            options.Upcast(1, JobsJson.Default.GrowArgsOne, JobsJson.Default.GrowArgsTwo, Older);
        }));
        Assert.Contains("without a gap", refusal.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Jobs_that_nobody_knows_raise_an_alarm_after_a_time_and_degrade_the_health_until_somebody_takes_them()
    {
        var log = new RecordedErrors();
        await using var page = await StartAsync(Three, concurrency: 0);
        await using var worker = await Engine.StartAsync(_directory["jobs.db"], _world, _clock, configureJobs: jobs => jobs.Services.AddSingleton<ILoggerProvider>(log));
        var handle = await page.Jobs.EnqueueAsync(new GrowArgs("web1", 1, true), cancellationToken: Token);
        for (var until = _clock.GetUtcNow().AddMinutes(14); _clock.GetUtcNow() < until;)
            await _clock.TickAsync(stepSeconds: 20);
        Assert.Equal(HealthStatus.Healthy, await worker.CheckHealthAsync());
        Assert.Empty(log.Lines);
        for (var until = _clock.GetUtcNow().AddMinutes(4); _clock.GetUtcNow() < until;)
            await _clock.TickAsync(stepSeconds: 20);
        Assert.Contains("1 jobs of type 'grow' with arguments of version 3", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Degraded, await worker.CheckHealthAsync());

        await using var third = await StartAsync(Three);
        await _clock.UntilAsync(handle.WaitAsync(Token), parkedTimers: 5);
        while (await worker.CheckHealthAsync() != HealthStatus.Healthy)
            await _clock.TickAsync(parkedTimers: 5, stepSeconds: 5);
        Assert.Single(log.Lines);
    }

    private static GrowArgsTwo Older(GrowArgsOne one) => new(one.Name, one.MiB * 1048576L);

    private static void One(JobsBuilder jobs) =>
        jobs.AddHandler<Grow, GrowArgsOne, string>("grow", JobsJson.Default.GrowArgsOne, JobsJson.Default.String);

    private static void Two(JobsBuilder jobs) => jobs.AddHandler<Grow, GrowArgsTwo, string>("grow", JobsJson.Default.GrowArgsTwo, JobsJson.Default.String, options =>
    {
        options.ArgsVersion = 2;
        options.Upcast(1, JobsJson.Default.GrowArgsOne, JobsJson.Default.GrowArgsTwo, Older);
    });

    private static void Three(JobTypeOptions options)
    {
        options.ArgsVersion = 3;
        options.Upcast(1, JobsJson.Default.GrowArgsOne, JobsJson.Default.GrowArgsTwo, Older)
            .Upcast(2, JobsJson.Default.GrowArgsTwo, JobsJson.Default.GrowArgs, two => new GrowArgs(two.Name, two.Bytes, false));
    }

    private Task<Engine> StartAsync(Action<JobTypeOptions> configure, int concurrency = 4) =>
        StartAsync(jobs => jobs.AddHandler<Grow, GrowArgs, string>("grow", JobsJson.Default.GrowArgs, JobsJson.Default.String, configure), concurrency);

    private Task<Engine> StartAsync(Action<JobsBuilder> configure, int concurrency = 4) =>
        Engine.StartAsync(_directory["jobs.db"], _world, _clock, configure: options => options.Concurrency = concurrency, configureJobs: configure);

    private sealed class Grow : IJobHandler<GrowArgsOne, string>, IJobHandler<GrowArgsTwo, string>, IJobHandler<GrowArgs, string>
    {
        public Task<string> RunAsync(JobContext job, GrowArgsOne args, CancellationToken cancellationToken) => Task.FromResult($"{args.Name} {args.MiB} MiB");

        public Task<string> RunAsync(JobContext job, GrowArgsTwo args, CancellationToken cancellationToken) => Task.FromResult($"{args.Name} {args.Bytes}");

        public Task<string> RunAsync(JobContext job, GrowArgs args, CancellationToken cancellationToken) => Task.FromResult($"{args.Machine} {args.Bytes} {args.IsOnline}");
    }

    private sealed class RecordedErrors : ILoggerProvider, ILogger
    {
        private readonly List<string> _lines = [];

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (_lines)
                    return [.. _lines];
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            lock (_lines)
                _lines.Add(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
