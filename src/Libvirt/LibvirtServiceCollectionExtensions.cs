using Hypervisor.Sdk;
using Hypervisor.Sdk.Libvirt;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds libvirt backends to an application.</summary>
public static class LibvirtServiceCollectionExtensions
{
    /// <summary>Adds a backend that runs virtual machines by a libvirt daemon, and the driver, so that more can be added at run time. It is connected on first use.</summary>
    /// <param name="builder">The builder of <c>AddHypervisorSdk()</c>.</param>
    /// <param name="name">The name under which the application knows it; unique.</param>
    /// <param name="uri">The daemon's address: <c>qemu:///system</c>, <c>qemu+tls://host/system</c>.</param>
    /// <param name="configure">Sets further options. Default: none.</param>
    /// <exception cref="ArgumentException">The name is not acceptable or taken.</exception>
    public static HypervisorSdkBuilder AddLibvirt(this HypervisorSdkBuilder builder, string name, string uri, Action<LibvirtBackendOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(uri);
        if (!BackendName.TryParse(name, null, out var backendName))
            throw new ArgumentException($"'{name}' is not a backend name: 1 to 63 of a-z, 0-9, '-', '_' and '.'.", nameof(name));
        return builder.AddFactory<LibvirtBackendFactory>().AddSpecExtension(LibvirtBackend.Kind, LibvirtDomainJson.Default.LibvirtDomain).AddBackend(backendName, LibvirtBackend.Kind, async (provider, cancellationToken) =>
        {
            var options = new LibvirtBackendOptions { Uri = uri, Connection = new LibvirtOptions { TimeProvider = provider.GetService<TimeProvider>() ?? TimeProvider.System } };
            configure?.Invoke(options);
            options.Name = name;
            return await LibvirtBackend.ConnectAsync(options, cancellationToken).ConfigureAwait(false);
        });
    }
}
