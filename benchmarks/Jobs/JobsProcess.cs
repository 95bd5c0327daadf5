using Hypervisor.Sdk.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hypervisor.Sdk.Benchmarks.Jobs;

/// <summary>An engine over a store, with a worker or without.</summary>
internal sealed class JobsProcess : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly IHostedService _worker;

    private JobsProcess(ServiceProvider services)
    {
        _services = services;
        _worker = services.GetRequiredService<IHostedService>();
    }

    public IJobs Jobs => _services.GetRequiredService<IJobs>();

    public NoOp Handler => _services.GetRequiredService<NoOp>();

    public static async Task<JobsProcess> StartAsync(Action<JobsBuilder> useStore, int concurrency, Action<NoOp>? prepare = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        var jobs = services.AddJobs(options => options.Concurrency = concurrency).AddHandler<NoOp, NoOpArgs, bool>("no-op", NoOpJson.Default.NoOpArgs, NoOpJson.Default.Boolean);
        useStore(jobs);
        var process = new JobsProcess(services.BuildServiceProvider());
        prepare?.Invoke(process.Handler);
        await process._worker.StartAsync(CancellationToken.None);
        return process;
    }

    /// <summary>Makes jobs, one a call, by so many callers at a time.</summary>
    public async Task EnqueueAsync(int jobs, int producers)
    {
        int left = jobs;
        await Task.WhenAll(Enumerable.Range(0, producers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
                await Jobs.EnqueueAsync(new NoOpArgs(TimeProvider.System.GetTimestamp()));
        })));
    }

    /// <summary>Waits until so many jobs have been done here, and their ends are durable.</summary>
    public async Task CompleteAsync(int jobs)
    {
        await Handler.Done.ReachAsync(jobs);
        await Jobs.DrainAsync();
        await Jobs.ResumeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
    }
}
