using Hypervisor.Sdk.Jobs.Running;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Registers jobs.</summary>
public static class JobsServiceCollectionExtensions
{
    /// <summary>Adds <see cref="IJobs"/>, and a worker that the host starts and stops. A store and handlers are added to what this returns.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static JobsBuilder AddJobs(this IServiceCollection services, Action<JobsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = new JobsOptions();
        configure?.Invoke(options);
        options.Validate();
        services.AddSingleton(options);
        services.TryAddSingleton<JobMeasures>();
        services.TryAddSingleton<QueueLookout>();
        services.TryAddSingleton<JobSignals>();
        services.TryAddSingleton<JobClient>();
        services.TryAddSingleton<IJobs>(provider => provider.GetRequiredService<JobClient>());
        services.AddSingleton<IHostedService, JobWorker>();
        return new JobsBuilder(services);
    }
}
