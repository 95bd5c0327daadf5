using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hypervisor.Sdk;

/// <summary>
/// Says which backends and drivers an application has. A driver package adds its own extension methods to this type: <c>AddQemu("local", o =&gt; ...)</c> calls <see cref="AddBackend"/>, and
/// <see cref="AddFactory{TFactory}"/> for backends that are added at run time.
/// </summary>
public sealed class HypervisorSdkBuilder
{
    internal HypervisorSdkBuilder(IServiceCollection services) => Services = services;

    /// <summary>The service collection, for what a driver needs beside its backends.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Names a backend. It is connected on first use, never at start-up.</summary>
    /// <param name="name">Its name; unique in the application.</param>
    /// <param name="kind">The kind of driver: <c>qemu</c>.</param>
    /// <param name="connect">Connects; the registry disposes what it returns. Called again when an attempt failed or the backend was closed.</param>
    /// <exception cref="ArgumentException">The name is taken, or an argument is empty.</exception>
    public HypervisorSdkBuilder AddBackend(BackendName name, string kind, Func<IServiceProvider, CancellationToken, Task<IBackend>> connect)
    {
        if (name.IsDefault)
            throw new ArgumentException("A backend name is needed.", nameof(name));
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentNullException.ThrowIfNull(connect);
        if (Services.Any(service => service.ImplementationInstance is BackendSource source && source.Name == name))
            throw new ArgumentException($"There is a backend '{name}' already.", nameof(name));
        Services.AddSingleton(new BackendSource(name, kind, connect));
        return this;
    }

    /// <summary>Registers a driver, so that <see cref="IBackendRegistry.AddAsync"/> finds it by its kind. Adding it twice is adding it once.</summary>
    /// <typeparam name="TFactory">The driver's factory; made by the service provider, once.</typeparam>
    public HypervisorSdkBuilder AddFactory<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TFactory>()
        where TFactory : class, IBackendFactory
    {
        Services.TryAddEnumerable(ServiceDescriptor.Singleton<IBackendFactory, TFactory>());
        return this;
    }

    /// <summary>Registers the JSON form of a driver's extension with the <see cref="ModelJson"/> of the application, so that its settings can be sent and stored. Adding it twice is adding it once.</summary>
    /// <param name="kind">The kind of driver: <c>qemu</c>.</param>
    /// <param name="typeInfo">How it is written; see <see cref="ModelJsonOptions.AddSpecExtension"/>.</param>
    public HypervisorSdkBuilder AddSpecExtension<T>(string kind, JsonTypeInfo<T> typeInfo)
        where T : class, ISpecExtension
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentNullException.ThrowIfNull(typeInfo);
        if (!Services.Any(service => service.ImplementationInstance is SpecExtensionSource source && source.Type == typeof(T)))
            Services.AddSingleton(new SpecExtensionSource(typeof(T), model => model.AddSpecExtension(kind, typeInfo)));
        return this;
    }

    /// <summary>Adds an <see cref="Inventory"/>: a singleton that follows every backend from the moment that it is first asked for.</summary>
    /// <param name="configure">Changes how it follows; the defaults when null.</param>
    public HypervisorSdkBuilder AddInventory(Action<InventoryOptions>? configure = null)
    {
        Services.AddOptions<InventoryOptions>();
        if (configure is not null)
            Services.Configure(configure);
        Services.TryAddSingleton(CreateInventory);
        return this;
    }

    /// <summary>Changes how the registry connects.</summary>
    public HypervisorSdkBuilder Configure(Action<BackendRegistryOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Services.Configure(configure);
        return this;
    }

    private static Inventory CreateInventory(IServiceProvider provider)
    {
        var inventory = new Inventory(provider.GetRequiredService<IBackendRegistry>(), provider.GetRequiredService<IOptions<InventoryOptions>>().Value, provider.GetService<TimeProvider>(), provider.GetService<ILogger<Inventory>>());
        inventory.Start();
        return inventory;
    }
}
