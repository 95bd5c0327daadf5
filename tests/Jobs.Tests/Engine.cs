using Hypervisor.Sdk.Jobs.Sqlite;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>One process: a worker with its handler over a store file. The clock and the world are the test's.</summary>
internal sealed class Engine : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly IHostedService _worker;

    private Engine(ServiceProvider services)
    {
        _services = services;
        _worker = services.GetRequiredService<IHostedService>();
    }

    public IJobs Jobs => _services.GetRequiredService<IJobs>();

    public Build Handler => _services.GetRequiredService<Build>();

    public T Service<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public async Task<HealthStatus> CheckHealthAsync() => (await new JobsHealthCheck(_services).CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken)).Status;

    public static async Task<Engine> StartAsync(string path, World world, TimeProvider clock, Func<IJobStore, IJobStore>? wrap = null, Action<JobsOptions>? configure = null,
        Action<JobTypeOptions>? configureType = null, Action<JobsBuilder>? configureJobs = null,
        Action<JobsBuilder>? useStore = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(world);
        var builder = services.AddJobs(options =>
        {
            options.TimeProvider = clock;
            configure?.Invoke(options);
        }).AddHandler<Build, BuildArgs, BuildResult>("build", JobsJson.Default.BuildArgs, JobsJson.Default.BuildResult, options =>
        {
            options.MaxAttempts = 3;
            configureType?.Invoke(options);
        });
        configureJobs?.Invoke(builder);
        if (useStore is not null)
            useStore(builder);
        else if (wrap is null)
            builder.UseSqlite(path);
        else
            builder.UseStore(_ => wrap(SqliteJobStore.Open(path)));
        var engine = new Engine(services.BuildServiceProvider());
        await engine._worker.StartAsync(TestContext.Current.CancellationToken);
        return engine;
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _worker.StopAsync(patience.Token);
        await _services.DisposeAsync();
    }
}
