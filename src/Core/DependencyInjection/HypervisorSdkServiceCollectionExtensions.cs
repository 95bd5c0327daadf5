using Hypervisor.Sdk;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Hypervisor.Sdk with a service collection.</summary>
public static class HypervisorSdkServiceCollectionExtensions
{
    /// <summary>
    /// Adds an <see cref="IBackendRegistry"/> (a singleton that the service provider disposes) and a <see cref="ModelJson"/> that knows the drivers' extensions, and returns the builder that names its backends. Uses the <see cref="TimeProvider"/> of the collection where
    /// there is one. Calling it again returns a builder of the same registry.
    /// </summary>
    public static HypervisorSdkBuilder AddHypervisorSdk(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<BackendRegistryOptions>();
        services.TryAddSingleton(CreateRegistry);
        services.AddOptions<ModelJsonOptions>();
        services.TryAddSingleton(CreateModelJson);
        services.TryAddSingleton<IBackendRegistry>(provider => provider.GetRequiredService<BackendRegistry>());
        return new(services);
    }

    private static ModelJson CreateModelJson(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptions<ModelJsonOptions>>().Value.Copy();
        foreach (var source in provider.GetServices<SpecExtensionSource>())
            source.AddTo(options);
        return new(options);
    }

    private static BackendRegistry CreateRegistry(IServiceProvider provider)
    {
        var registry = new BackendRegistry(provider.GetServices<IBackendFactory>(), provider.GetRequiredService<IOptions<BackendRegistryOptions>>().Value, provider.GetService<TimeProvider>(), provider.GetService<ILogger<BackendRegistry>>());
        foreach (var source in provider.GetServices<BackendSource>())
            registry.Add(source.Name, source.Kind, token => source.ConnectAsync(provider, token));
        return registry;
    }
}
