using Hypervisor.Sdk;
using Hypervisor.Sdk.AspNetCore;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers what the API needs.</summary>
public static class HypervisorApiServiceCollectionExtensions
{
    /// <summary>Registers the services behind <c>MapHypervisorApi</c>. The backends come from <c>AddHypervisorSdk</c>.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Changes the limits; see there for the defaults.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddHypervisorApi(this IServiceCollection services, Action<HypervisorApiOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
            services.Configure(configure);
        services.AddOptions<HypervisorApiOptions>();
        services.TryAddSingleton(TimeProvider.System);
        // The JSON form knows the extensions of whichever drivers are added, before this or after.
        services.AddHypervisorSdk();
        services.TryAddSingleton<ApiJson>();
        services.TryAddSingleton<OperationStore>();
        services.TryAddSingleton<EventHub>();
        services.TryAddSingleton<MetricsSampler>();
        services.TryAddSingleton<GraphicsTickets>();
        services.TryAddSingleton<SocketLimit>();
        services.TryAddSingleton<ApiServices>();
        return services;
    }
}
