using Hypervisor.Sdk.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hypervisor.Sdk.Testing.Jobs;

/// <summary>One process's engine over a store, whose jobs make machines.</summary>
public sealed class MachineEngine : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private MachineEngine(ServiceProvider services) => _services = services;

    public IJobs Jobs => _services.GetRequiredService<IJobs>();

    /// <param name="store">The path of the SQLite store.</param>
    /// <param name="site">Where the machines are made.</param>
    /// <param name="configure">What is to be otherwise.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<MachineEngine> StartAsync(string store, MachineSite site, Action<JobsOptions>? configure, CancellationToken cancellationToken)
    {
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton(site);
        services.AddJobs(options =>
            {
                options.Lease = TimeSpan.FromSeconds(5);
                configure?.Invoke(options);
            }).UseSqlite(store)
            .AddHandler<MachineHandler, MachineJob, MachineJob>("machine", MachineJson.Default.MachineJob, MachineJson.Default.MachineJob, options =>
            {
                // Here the workers die of something else than their jobs.
                (options.MaxLostWorkers, options.MaxAttempts, options.RetryLimit) = (1000, 1000, TimeSpan.FromSeconds(2));
            });
        var engine = new MachineEngine(services.BuildServiceProvider());
        await engine._services.GetRequiredService<IHostedService>().StartAsync(cancellationToken);
        return engine;
    }

    public async ValueTask DisposeAsync()
    {
        await _services.GetRequiredService<IHostedService>().StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
    }
}
