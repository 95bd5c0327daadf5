using Hypervisor.Sdk.Jobs.Running;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>One process with the whole engine, as a host starts it.</summary>
internal sealed class WorkloadEngine
{
    private readonly ServiceProvider _services;

    public WorkloadEngine(WorkloadProcess process, FaultyStore store, Random random, int concurrency, bool knowsAll, Func<WorkloadProcess, JobContext, string, CancellationToken, Task<string>> work)
    {
        Process = process;
        Store = store;
        KnowsAll = knowsAll;
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        services.AddSingleton(new WorkloadHandler((job, type, stop) => work(process, job, type, stop)));
        var builder = services.AddJobs(options =>
        {
            options.TimeProvider = process;
            options.Loop = process.Post;
            options.Random = random;
            options.Worker = process.Name;
            options.Concurrency = concurrency;
            options.PollInterval = TimeSpan.FromSeconds(5);
            options.AbandonAfter = TimeSpan.FromSeconds(10);
        });
        builder.AddHandler<WorkloadHandler, PlainArgs, string>(EngineWorkload.Plain, JobsJson.Default.PlainArgs, JobsJson.Default.String, type =>
        {
            Configure(type);
            type.TimeLimit = TimeSpan.FromSeconds(40);
        });
        builder.AddHandler<WorkloadHandler, SteppedArgs, string>(EngineWorkload.Stepped, JobsJson.Default.SteppedArgs, JobsJson.Default.String, Configure);
        builder.AddHandler<WorkloadHandler, TickArgs, string>(EngineWorkload.Tick, JobsJson.Default.TickArgs, JobsJson.Default.String, Configure);
        if (knowsAll)
            builder.AddHandler<WorkloadHandler, SagaArgs, string>(EngineWorkload.Saga, JobsJson.Default.SagaArgs, JobsJson.Default.String, Configure);
        builder.UseStore(_ => store);
        _services = services.BuildServiceProvider();
    }

    public WorkloadProcess Process { get; }

    public FaultyStore Store { get; }

    /// <summary>Whether it knows every type.</summary>
    public bool KnowsAll { get; }

    public IJobs Jobs => _services.GetRequiredService<IJobs>();

    public void Start() => _ = _services.GetRequiredService<IHostedService>().StartAsync(CancellationToken.None);

    public void Kill()
    {
        Process.Die();
        // Nothing of it goes on; its instruments are known to the real process.
        _services.GetRequiredService<JobMeasures>().Dispose();
    }

    public async Task StopAsync()
    {
        await _services.GetRequiredService<IHostedService>().StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
    }

    private static void Configure(JobTypeOptions type)
    {
        type.MaxAttempts = 5;
        type.MaxLostWorkers = 2;
        type.RetryLimit = TimeSpan.FromSeconds(20);
    }

    private sealed class WorkloadHandler(Func<JobContext, string, CancellationToken, Task<string>> work)
        : IJobHandler<PlainArgs, string>, IJobHandler<SteppedArgs, string>, IJobHandler<SagaArgs, string>, IJobHandler<TickArgs, string>
    {
        public Task<string> RunAsync(JobContext job, PlainArgs args, CancellationToken cancellationToken) => work(job, EngineWorkload.Plain, cancellationToken);

        public Task<string> RunAsync(JobContext job, SteppedArgs args, CancellationToken cancellationToken) => work(job, EngineWorkload.Stepped, cancellationToken);

        public Task<string> RunAsync(JobContext job, SagaArgs args, CancellationToken cancellationToken) => work(job, EngineWorkload.Saga, cancellationToken);

        public Task<string> RunAsync(JobContext job, TickArgs args, CancellationToken cancellationToken) => work(job, EngineWorkload.Tick, cancellationToken);
    }
}
