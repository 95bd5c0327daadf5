using System.Runtime.Versioning;
using Hypervisor.Sdk;
using Hypervisor.Sdk.Storage.Directory;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds directories as storage.</summary>
public static class DirectoryStorageBuilderExtensions
{
    /// <summary>Names a backend that keeps volumes in directories, and registers the driver for backends that are added at run time. The directories are opened on first use.</summary>
    /// <param name="builder">The builder that <c>AddHypervisorSdk()</c> returned.</param>
    /// <param name="name">The backend's name; unique in the application.</param>
    /// <param name="configure">Says where the pools are.</param>
    /// <exception cref="FormatException">The name is not one of a backend.</exception>
    /// <exception cref="ArgumentException">The name is taken, or an option is not valid.</exception>
    [SupportedOSPlatform("linux")]
    public static HypervisorSdkBuilder AddDirectoryStorage(this HypervisorSdkBuilder builder, string name, Action<DirectoryStorageOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new DirectoryStorageOptions();
        configure(options);
        options.Validate();
        var backend = BackendName.Parse(name);
        builder.AddFactory<DirectoryStorageFactory>();
        return builder.AddBackend(backend, DirectoryStorageBackend.Kind, async (services, cancellationToken) =>
            await DirectoryStorageBackend.OpenAsync(backend, options, services.GetService<TimeProvider>(), services.GetService<ILogger<DirectoryStorageBackend>>(), cancellationToken).ConfigureAwait(false));
    }
}
