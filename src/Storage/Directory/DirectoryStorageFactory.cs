using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>Opens directories as storage, for backends that are added at run time.</summary>
/// <remarks>The settings are those of <see cref="DirectoryStorageOptions"/>: <c>Pools.NAME</c> (a directory each), <c>NewPoolsDirectory</c>, <c>Node</c>, <c>IsShared</c> (<c>true</c> or <c>false</c>), <c>QemuImg</c>.</remarks>
/// <param name="timeProvider">The clock. Default: the system's.</param>
/// <param name="logger">Is told what had to be undone. Default: nobody is.</param>
[SupportedOSPlatform("linux")]
public sealed class DirectoryStorageFactory(TimeProvider? timeProvider = null, ILogger<DirectoryStorageBackend>? logger = null) : IBackendFactory
{
    private const string PoolPrefix = "Pools.";

    /// <inheritdoc />
    public string Kind => DirectoryStorageBackend.Kind;

    /// <inheritdoc />
    public async Task<IBackend> ConnectAsync(BackendDefinition definition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var options = new DirectoryStorageOptions();
        foreach (var (key, value) in definition.Settings)
            Set(options, key, value);
        try
        {
            options.Validate();
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            throw new HypervisorException($"The settings of the backend '{definition.Name}' are not valid: {error.Message}", ErrorCode.InvalidArgument, RequestOutcome.NotSent, error);
        }

        return await DirectoryStorageBackend.OpenAsync(definition.Name, options, timeProvider, logger, cancellationToken).ConfigureAwait(false);
    }

    private static void Set(DirectoryStorageOptions options, string key, SecretOrText value)
    {
        if (!value.TryGetText(out string? text))
            throw Refused(key, "it is not a secret.");
        if (key.StartsWith(PoolPrefix, StringComparison.OrdinalIgnoreCase))
            options.Pools[key[PoolPrefix.Length..]] = text;
        else if (key.Equals(nameof(options.NewPoolsDirectory), StringComparison.OrdinalIgnoreCase))
            options.NewPoolsDirectory = text;
        else if (key.Equals(nameof(options.Node), StringComparison.OrdinalIgnoreCase))
            options.Node = text;
        else if (key.Equals(nameof(options.QemuImg), StringComparison.OrdinalIgnoreCase))
            options.QemuImg = text;
        else if (key.Equals(nameof(options.IsShared), StringComparison.OrdinalIgnoreCase))
            options.IsShared = bool.TryParse(text, out bool isShared) ? isShared : throw Refused(key, "it is 'true' or 'false'.");
        else
            throw Refused(key, "directory storage does not know it.");
    }

    private static HypervisorException Refused(string key, string problem) =>
        new($"The setting '{key}' is refused: {problem}", ErrorCode.InvalidArgument, RequestOutcome.NotSent) { FieldErrors = new Dictionary<string, string> { [key] = problem } };
}
