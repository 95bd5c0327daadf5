using Hypervisor.Sdk;
using Hypervisor.Sdk.Lxd;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds LXD and Incus backends to an application.</summary>
public static class LxdServiceCollectionExtensions
{
    /// <summary>Adds a backend that runs containers by an LXD server. It is connected on first use.</summary>
    /// <param name="builder">The builder of <c>AddHypervisorSdk()</c>.</param>
    /// <param name="name">The name under which the application knows it; unique.</param>
    /// <param name="configure">Sets options. Default: the server of this machine, by its socket.</param>
    /// <exception cref="ArgumentException">The name is not acceptable or taken.</exception>
    public static HypervisorSdkBuilder AddLxd(this HypervisorSdkBuilder builder, string name, Action<LxdBackendOptions>? configure = null) => Add(builder, name, LxdBackend.LxdKind, configure);

    /// <summary>Adds a backend that runs containers by an Incus server. It is connected on first use.</summary>
    /// <inheritdoc cref="AddLxd"/>
    public static HypervisorSdkBuilder AddIncus(this HypervisorSdkBuilder builder, string name, Action<LxdBackendOptions>? configure = null) => Add(builder, name, LxdBackend.IncusKind, configure);

    private static HypervisorSdkBuilder Add(HypervisorSdkBuilder builder, string name, string kind, Action<LxdBackendOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        if (!BackendName.TryParse(name, null, out var backendName))
            throw new ArgumentException($"'{name}' is not a backend name: 1 to 63 of a-z, 0-9, '-', '_' and '.'.", nameof(name));
        return builder.AddFactory<LxdBackendFactory>().AddFactory<IncusBackendFactory>().AddBackend(backendName, kind, async (_, cancellationToken) =>
        {
            var options = LxdBackendFactory.DefaultsOf(kind);
            configure?.Invoke(options);
            options.Name = name;
            options.Kind = kind;
            return await LxdBackend.ConnectAsync(options, cancellationToken).ConfigureAwait(false);
        });
    }
}
