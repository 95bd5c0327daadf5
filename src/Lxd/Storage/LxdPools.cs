using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Driver;

namespace Hypervisor.Sdk.Lxd.Storage;

/// <summary>
/// Makes and deletes a server's pools. Settings: <c>driver</c> (default <c>dir</c>), and the keys of a pool's configuration as the servers know them: <c>source</c>, <c>size</c>, <c>volume.size</c>.
/// </summary>
internal sealed class LxdPools(LxdParts parts, ContainerWork work) : IStoragePools
{
    private const string DriverSetting = "driver";
    private const string DefaultDriver = "dir";

    /// <summary>What every member of a cluster reaches.</summary>
    private static readonly string[] s_shared = ["ceph", "cephfs", "cephobject", "lvmcluster"];

    public static async Task<StoragePool> ViewAsync(LxdClient client, LxdStoragePool pool, CancellationToken cancellationToken)
    {
        var space = await SpaceAsync(client, pool.Name!, cancellationToken).ConfigureAwait(false);
        bool isShared = s_shared.Contains(pool.Driver);
        var environment = client.Server.Environment;
        return new StoragePool
        {
            Name = PoolName.Parse(pool.Name!),
            Kind = pool.Driver switch
            {
                "dir" => "directory",
                "ceph" => "rbd",
                null or "" => "unknown",
                { } driver => driver,
            },
            Capacity = space.Total, Used = space.Used, Available = space is { Total: { } total, Used: { } used } ? new ByteSize(Math.Max(0, total.Bytes - used.Bytes)) : null,
            // In a cluster each member has a part of its own.
            Node = !isShared && environment?.ServerClustered is not true && NodeName.TryParse(environment?.ServerName, null, out var node) ? node : null,
            IsShared = isShared,
        };
    }

    /// <summary>What a pool can hold, and what is taken; nothing where the server does not know, because the pool is not up.</summary>
    public static async Task<(ByteSize? Total, ByteSize? Used)> SpaceAsync(LxdClient client, string pool, CancellationToken cancellationToken)
    {
        try
        {
            var space = (await client.StoragePoolResourcesAsync(pool, cancellationToken: cancellationToken).ConfigureAwait(false)).Value.Space;
            return space?.Total is > 0 and var total ? (SizeOf(total), SizeOf(Math.Min(total, space.Used ?? 0))) : (null, null);
        }
        catch (LxdException error) when (error.Code != ErrorCode.NotFound)
        {
            return (null, null);
        }
    }

    public async Task<Operation<StoragePool>> CreatePoolAsync(StoragePoolSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A pool's name is needed.", nameof(spec));
        var post = PostOf(spec);
        return await BeginAsync(
            VolumeKinds.CreatePool, request,
            async token =>
            {
                if (await FindAsync(post.Name!, token).ConfigureAwait(false) is not null)
                    throw new HypervisorException($"There is a pool '{post.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"pool {post.Name}" };
            },
            async token =>
            {
                await parts.Client.StoragePoolsPostAsync(post, cancellationToken: token).ConfigureAwait(false);
                return await ViewAsync(parts.Client, (await parts.Client.StoragePoolGetAsync(post.Name!, cancellationToken: token).ConfigureAwait(false)).Value, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<Operation> DeletePoolAsync(PoolName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A pool's name is needed.", nameof(name));
        return await BeginAsync<object>(
            VolumeKinds.DeletePool, request, token => RequireEmptyAsync(name, token),
            async token =>
            {
                await RequireEmptyAsync(name, token).ConfigureAwait(false);
                await parts.Client.StoragePoolsDeleteAsync(name.ToString(), cancellationToken: token).ConfigureAwait(false);
                return name;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task RequireEmptyAsync(PoolName name, CancellationToken cancellationToken)
    {
        var pool = await FindAsync(name.ToString(), cancellationToken).ConfigureAwait(false)
            ?? throw new HypervisorException($"There is no pool '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"pool {name}" };
        if (pool.UsedBy is [{ } first, ..] users)
            throw new HypervisorException($"The pool '{name}' is used by {users.Count}, '{first}' for one: delete them first.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"pool {name}" };
    }

    private async Task<LxdStoragePool?> FindAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return (await parts.Client.StoragePoolGetAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    private static LxdStoragePoolsPost PostOf(StoragePoolSpec spec)
    {
        string name = spec.Name.ToString();
        if (!StorageRules.IsName(name))
            throw Refusal.Invalid("name", $"'{name}' is no name of a pool: {StorageRules.Names}.");
        var post = new LxdStoragePoolsPost { Name = name, Driver = DefaultDriver, Config = new Dictionary<string, string>() };
        foreach (var (setting, value) in spec.Settings)
        {
            if (!value.TryGetText(out string? text))
                throw Refusal.Unsupported($"settings.{setting}", "it is a secret, and the server would show it to all who may look at the pool.");
            if (!StorageRules.IsKey(setting) || text.Any(char.IsControl))
                throw Refusal.Invalid("settings", $"'{setting}' is no key of a pool's configuration, or its value is none: words of letters, digits, '_' and '-' with a dot between, and one line.");
            if (string.Equals(setting, DriverSetting, StringComparison.OrdinalIgnoreCase))
                post.Driver = text;
            else
                post.Config[setting] = text;
        }

        return post;
    }

    private static ByteSize SizeOf(ulong bytes) => new((long)Math.Min(bytes, long.MaxValue));

    private async Task<Operation<T>> BeginAsync<T>(string kind, RequestOptions? request, Func<CancellationToken, Task> check, Func<CancellationToken, Task<T>> effect, CancellationToken cancellationToken)
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        if (request?.RequestId is not { } asked || await work.Ledger.LookUpAsync(asked, cancellationToken).ConfigureAwait(false) is not { State: RequestState.Running or RequestState.Succeeded })
            await check(cancellationToken).ConfigureAwait(false);
        return await work.Ledger.BeginAsync(
            kind, request, parts.Options.DefaultDeadline, () => default,
            (progress, token) =>
            {
                progress.Say(kind);
                return effect(token);
            },
            cancellationToken, canCancel: false).ConfigureAwait(false);
    }
}
