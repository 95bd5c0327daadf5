using Hypervisor.Sdk;
using Hypervisor.Sdk.Simulation;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Gives an application a simulated data centre.</summary>
public static class SimulationServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="SimulatedDatacenter"/> (a singleton that the service provider disposes) and a backend of its name that leads there, beside whatever backends there are:
    /// <c>services.AddSimulation(o => { o.Seed = 7; o.AddNode("pve1"); })</c>. Unless it follows real time, its clock becomes the application's <see cref="TimeProvider"/> where there is none yet.
    /// </summary>
    /// <param name="services">The service collection.</param>
    /// <param name="configure">Says what it is made of.</param>
    /// <exception cref="ArgumentException">An option is not acceptable, or there is a backend of that name.</exception>
    public static HypervisorSdkBuilder AddSimulation(this IServiceCollection services, Action<SimulationOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = new SimulationOptions();
        configure?.Invoke(options);
        options.Validate();
        services.AddSingleton(provider =>
        {
            // Asked for when it is needed: the registry takes its time from here.
            options.FindBackend ??= (name, cancellationToken) => provider.GetRequiredService<IBackendRegistry>().GetAsync(name, cancellationToken);
            return new SimulatedDatacenter(options);
        });
        if (options.Pace != SimulationPace.RealTime)
            services.TryAddSingleton<TimeProvider>(static provider => provider.GetRequiredService<SimulatedDatacenter>().Clock);
        return services.AddHypervisorSdk().AddBackend(BackendName.Parse(options.Name), SimulatedBackend.Kind, static (provider, _) => Task.FromResult(provider.GetRequiredService<SimulatedDatacenter>().Connect()));
    }
}
