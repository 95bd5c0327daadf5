namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>
/// The registry as a session sees it: whoever is signed in may manage machines and disks, and does not become the user whom the host runs as. So a backend that is added names no program and no user, and no directory
/// but those of the host and of <c>--allow-directory</c>. Only what is listed here can be set.
/// </summary>
internal sealed class GuardedRegistry(BackendRegistry registry, StateDirectory state, HostOptions options) : IBackendRegistry
{
    private const string AttachDirectories = "attachDirectories";

    private static readonly Dictionary<string, string[]> s_free = new(StringComparer.Ordinal)
    {
        ["qemu"] = ["accelerator", "limitResources", "consoleLogLimit", "defaultDeadline", "startTimeout"],
        ["directory"] = ["Node", "IsShared"],
    };

    private static readonly Dictionary<string, string[]> s_directories = new(StringComparer.Ordinal)
    {
        ["qemu"] = ["stateDirectory", "runtimeDirectory", "imageDirectories", AttachDirectories],
        ["directory"] = ["NewPoolsDirectory"],
    };

    public event EventHandler<BackendRegistryChangedEventArgs>? Changed
    {
        add => registry.Changed += value;
        remove => registry.Changed -= value;
    }

    public ValueTask<IBackend> GetAsync(BackendName name, CancellationToken cancellationToken = default) => registry.GetAsync(name, cancellationToken);

    public IReadOnlyList<BackendRegistration> List() => registry.List();

    public Task<bool> RemoveAsync(BackendName name, CancellationToken cancellationToken = default)
    {
        CheckOwn();
        return registry.RemoveAsync(name, cancellationToken);
    }

    public Task AddAsync(BackendDefinition definition, CancellationToken cancellationToken = default)
    {
        CheckOwn();
        foreach (var (setting, value) in definition.Settings)
            Check(definition.Kind, setting, value);

        // Left out it would mean: anywhere.
        if (definition.Kind == "qemu" && !definition.Settings.ContainsKey(AttachDirectories))
            definition.Settings[AttachDirectories] = state.Disks;
        return registry.AddAsync(definition, cancellationToken);
    }

    /// <summary>A job may be done by any of the hosts that share: they have to have the same backends.</summary>
    private void CheckOwn()
    {
        if (options.Shared is not null)
            throw new HypervisorException("This host is one of several that share their jobs: its backends are those that all of them are started with.", ErrorCode.Denied, RequestOutcome.NotSent);
    }

    private void Check(string kind, string setting, SecretOrText value)
    {
        if (Has(s_free, kind, setting))
            return;
        if (!Has(s_directories, kind, setting) && !(kind == "directory" && setting.StartsWith("Pools.", StringComparison.OrdinalIgnoreCase)))
            throw Refused(setting, "it cannot be set over REST");
        if (!value.TryGetText(out string? text) || !text.Split(kind == "qemu" ? ':' : '\0', StringSplitOptions.RemoveEmptyEntries).All(IsAllowed))
            throw Refused(setting, "over REST it names directories beneath the host's own, or beneath one that the host was started with by --allow-directory");
    }

    private static bool Has(Dictionary<string, string[]> settings, string kind, string setting) => settings.GetValueOrDefault(kind)?.Contains(setting, StringComparer.OrdinalIgnoreCase) == true;

    private bool IsAllowed(string path)
    {
        // What is relative, the driver refuses by itself.
        if (!Path.IsPathFullyQualified(path) || path.Contains('\0'))
            return true;
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return options.AllowedDirectories.Append(state.Machines).Append(state.Disks).Any(root => full == root || full.StartsWith(root + "/", StringComparison.Ordinal));
    }

    private static HypervisorException Refused(string setting, string why) =>
        new($"The setting '{setting}' is refused: {why}.", ErrorCode.Denied, RequestOutcome.NotSent) { FieldErrors = new Dictionary<string, string> { [setting] = why } };
}
