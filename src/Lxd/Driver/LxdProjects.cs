using System.Globalization;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Storage;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>The projects of the server. Names and keys are compared before they are sent, for they go into paths.</summary>
internal sealed class LxdProjects(LxdParts parts, ContainerWork work) : ILxdProjects
{
    public async Task<IReadOnlyList<LxdProject>> ListAsync(CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        return [.. (await parts.Client.ProjectsGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? []];
    }

    public async Task<LxdProject?> FindAsync(string name, CancellationToken cancellationToken = default) => (await LookAsync(name, cancellationToken).ConfigureAwait(false))?.Value;

    public async Task<LxdProject> CreateAsync(LxdProjectSpec spec, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        RefuseName(spec.Name);
        var config = ConfigOf(spec);
        if (await LookAsync(spec.Name, cancellationToken).ConfigureAwait(false) is not null)
            throw new HypervisorException($"There is a project '{spec.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"project {spec.Name}" };
        await parts.Client.ProjectsPostAsync(new LxdProjectsPost { Name = spec.Name, Description = spec.Description, Config = config }, cancellationToken: cancellationToken).ConfigureAwait(false);
        return (await RequireAsync(spec.Name, cancellationToken).ConfigureAwait(false)).Value;
    }

    public async Task<LxdProject> ChangeAsync(string name, IReadOnlyDictionary<string, string?> settings, string? description = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach (var (key, value) in settings)
            ServerCalls.RefuseSetting(key, value ?? "");
        await ServerCalls.UntilUnchangedAsync(
            async () =>
            {
                var there = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
                var put = new LxdProjectPut { Config = ServerCalls.Changed(there.Value.Config, settings), Description = description ?? there.Value.Description };
                await parts.Client.ProjectPutAsync(name, put, new LxdCall { IfMatch = there.Revision }, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return (await RequireAsync(name, cancellationToken).ConfigureAwait(false)).Value;
    }

    public async Task<IReadOnlyDictionary<string, LxdProjectUse>> GetUseAsync(string name, CancellationToken cancellationToken = default)
    {
        await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        var resources = (await parts.Client.ProjectStateGetAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false)).Value.Resources ?? new Dictionary<string, LxdProjectStateResource>();

        // Of what is not limited the servers say a limit of -1.
        return resources.ToDictionary(resource => resource.Key, resource => new LxdProjectUse(resource.Value.Usage ?? 0, resource.Value.Limit is >= 0 and var limit ? limit : null), StringComparer.Ordinal);
    }

    public async Task DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        await parts.Client.ProjectDeleteAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private static Dictionary<string, string> ConfigOf(LxdProjectSpec spec)
    {
        if (spec.IsRestricted && !spec.HasOwnProfiles)
            throw Refusal.Invalid("isRestricted", "a restricted project has profiles of its own: what others' profiles bring would be beyond its restrictions.");
        var config = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["features.images"] = Word(spec.HasOwnImages), ["features.profiles"] = Word(spec.HasOwnProfiles), ["features.storage.volumes"] = Word(spec.HasOwnVolumes), ["restricted"] = Word(spec.IsRestricted),
        };
        foreach (var (key, field, limit) in new[]
        {
            ("limits.containers", "maxContainers", (long?)spec.MaxContainers), ("limits.cpu", "maxCpus", spec.MaxCpus), ("limits.memory", "maxMemory", spec.MaxMemory?.Bytes), ("limits.disk", "maxDisk", spec.MaxDisk?.Bytes),
        })
        {
            if (limit is < 0)
                throw Refusal.Invalid(field, $"{limit} is less than nothing.");
            if (limit is { } given)
                config[key] = given.ToString(CultureInfo.InvariantCulture);
        }

        foreach (var (key, value) in spec.Settings)
        {
            ServerCalls.RefuseSetting(key, value);
            config[key] = value;
        }

        return config;

        static string Word(bool value) => value ? "true" : "false";
    }

    private Task<LxdAnswer<LxdProject>?> LookAsync(string name, CancellationToken cancellationToken)
    {
        Begin(cancellationToken);
        RefuseName(name);
        return ServerCalls.AnyAsync(() => parts.Client.ProjectGetAsync(name, cancellationToken: cancellationToken));
    }

    private async Task<LxdAnswer<LxdProject>> RequireAsync(string name, CancellationToken cancellationToken) =>
        await LookAsync(name, cancellationToken).ConfigureAwait(false) ?? throw new HypervisorException($"There is no project '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"project {name}" };

    private void Begin(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
    }

    private static void RefuseName(string name)
    {
        if (!StorageRules.IsName(name))
            throw Refusal.Invalid("name", $"'{name}' is no name of a project: {StorageRules.Names}.");
    }
}
