using System.Runtime.Versioning;
using Hypervisor.Sdk;
using Hypervisor.Sdk.Qemu;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds QEMU backends to an application.</summary>
[SupportedOSPlatform("linux")]
public static class QemuServiceCollectionExtensions
{
    /// <summary>Adds a backend that runs virtual machines on this host or on <see cref="QemuOptions.Host"/>, and the driver, so that more can be added at run time, with the JSON form of <see cref="QemuMachine"/>. It is connected on first use.</summary>
    /// <param name="builder">The builder of <c>AddHypervisorSdk()</c>.</param>
    /// <param name="name">The name under which the application knows it; unique.</param>
    /// <param name="configure">Sets the options; at least <see cref="QemuOptions.StateDirectory"/>.</param>
    /// <exception cref="ArgumentException">The name is not acceptable or taken.</exception>
    public static HypervisorSdkBuilder AddQemu(this HypervisorSdkBuilder builder, string name, Action<QemuOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(configure);
        if (!BackendName.TryParse(name, null, out var backendName))
            throw new ArgumentException($"'{name}' is not a backend name: 1 to 63 of a-z, 0-9, '-', '_' and '.'.", nameof(name));
        return builder.AddFactory<QemuBackendFactory>().AddSpecExtension(QemuBackend.Kind, QemuMachineJson.Default.QemuMachine).AddBackend(backendName, QemuBackend.Kind, async (provider, cancellationToken) =>
        {
            var options = new QemuOptions { TimeProvider = provider.GetService<TimeProvider>() ?? TimeProvider.System };
            configure(options);
            options.FindBackend ??= provider.GetRequiredService<IBackendRegistry>().GetAsync;
            options.Name = name;
            return await QemuBackend.OpenAsync(options, cancellationToken).ConfigureAwait(false);
        });
    }
}
