using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// Snapshots of containers: their file systems and their configuration, without memory. Going back brings the configuration of then, but not what requests have left since. A server that keeps it as its only sign that it is not
/// gone back yet forgets it by going back.
/// </summary>
internal sealed class LxdSnapshots(LxdParts parts, ContainerWork work) : ISnapshots
{
    /// <summary>Which request goes back just now: with the configuration of then it is gone.</summary>
    internal const string Reverting = ContainerRules.OwnPrefix + "reverting";

    private static readonly NamingRules s_naming = new() { MaxLength = 63, AllowedCharacters = "a-zA-Z0-9._-", AllowedFirstCharacters = "a-zA-Z0-9", CaseSensitive = true };

    public async IAsyncEnumerable<Snapshot> ListAsync(InstanceId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var tree = await SnapshotTree.ReadAsync(parts.Client, await work.RequireAsync(id, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        foreach (var entry in tree.All)
            yield return tree.ViewOf(entry);
    }

    public Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A snapshot needs a name.", nameof(spec));
        string name = spec.Name.ToString();
        if (!s_naming.Accepts(name, out string? problem))
            throw Refusal.Invalid("name", problem);
        if (spec.IncludeMemory)
            throw Refusal.Unsupported("includeMemory", LxdCapabilities.NoMemorySnapshots);
        if (spec.Quiesce)
            throw Refusal.Unsupported("quiesce", "Nobody in a container can be asked for it.");
        if (spec.Description?.Contains('\0', StringComparison.Ordinal) is true)
            throw Refusal.Invalid("description", "it has a character that cannot be kept.");
        var (expiresAt, description, own) = (spec.ExpiresAt, spec.Description, request?.RequestId ?? RequestId.New());
        return work.ChangeAsync(
            WorkKinds.Snapshot, id, request, null, (change, token) => CreateAsync(change, name, own, expiresAt, description, token),
            async (facts, token) => facts is not null && await SnapshotTree.ReadAsync(parts.Client, facts, token).ConfigureAwait(false) is var tree && tree.FindRequest(own) is { } made ? tree.ViewOf(made) : null,
            cancellationToken);
    }

    public Task<Operation<Instance>> RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A snapshot name is needed.", nameof(name));
        return work.ChangeAsync(WorkKinds.Revert, id, request, null, (change, token) => RevertAsync(change, name.ToString(), token), cancellationToken);
    }

    public async Task<Operation> DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A snapshot name is needed.", nameof(name));
        return await work.ChangeAsync<object>(
            WorkKinds.DeleteSnapshot, id, request, null,
            async (change, token) =>
            {
                var (_, snapshot) = await RequireAsync(change.Client, change.Before, name.ToString(), token).ConfigureAwait(false);
                await change.LeaveAsync([], false, snapshot.Key, token).ConfigureAwait(false);
                await change.DoAsync(
                    () => change.Client.InstanceSnapshotDeleteAsync(id.ToString(), snapshot.Name, cancellationToken: token), $"Deleting the snapshot '{snapshot.Name}' of '{id}'",
                    async (facts, again) => facts is null || (await SnapshotTree.ReadAsync(change.Client, facts, again).ConfigureAwait(false)).FindKey(snapshot.Key) is null,
                    ["instance-snapshot-deleted"], token).ConfigureAwait(false);
                await change.EndAsync(token).ConfigureAwait(false);
                return change;
            },
            (facts, _) => Task.FromResult<object?>(facts), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether what a request has begun to do with a snapshot is done, by what can be seen.</summary>
    internal static async Task<bool> IsDoneAsync(LxdClient client, RequestId request, RequestRecord record, ContainerFacts facts, CancellationToken cancellationToken)
    {
        var tree = await SnapshotTree.ReadAsync(client, facts, cancellationToken).ConfigureAwait(false);
        return record.Kind == WorkKinds.Snapshot ? tree.FindRequest(request) is not null : record.Mark is { } key && tree.FindKey(key) is null;
    }

    private static async Task<(SnapshotTree Tree, SnapshotTree.Entry Snapshot)> RequireAsync(LxdClient client, ContainerFacts facts, string name, CancellationToken cancellationToken)
    {
        var tree = await SnapshotTree.ReadAsync(client, facts, cancellationToken).ConfigureAwait(false);
        return (tree, tree.Find(name) ?? throw NotThere(facts.Id, name));
    }

    internal static HypervisorException NotThere(InstanceId id, string name) => new($"'{id}' has no snapshot '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {id}" };

    private static async Task<Snapshot> CreateAsync(ContainerChange change, string name, RequestId own, DateTimeOffset? expiresAt, string? description, CancellationToken cancellationToken)
    {
        var tree = await SnapshotTree.ReadAsync(change.Client, change.Before, cancellationToken).ConfigureAwait(false);
        if (tree.FindRequest(own) is null)
        {
            if (tree.Find(name) is not null)
                throw new HypervisorException($"'{change.Id}' has a snapshot '{name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
            var config = new Dictionary<string, string> { [SnapshotTree.Way] = tree.WayToNew(name, own), [SnapshotTree.Note] = description ?? "" };
            await change.LeaveAsync(config, false, null, cancellationToken).ConfigureAwait(false);
            await change.DoAsync(
                () => change.Client.InstanceSnapshotsPostAsync(change.Id.ToString(), new LxdInstanceSnapshotsPost { Name = name, Stateful = false, ExpiresAt = expiresAt }, cancellationToken: cancellationToken),
                $"A snapshot '{name}' of '{change.Id}'",
                async (facts, again) => facts is not null && (await SnapshotTree.ReadAsync(change.Client, facts, again).ConfigureAwait(false)).FindRequest(own) is not null,
                ["instance-snapshot-created"], cancellationToken).ConfigureAwait(false);
        }

        await change.EndAsync(cancellationToken).ConfigureAwait(false);
        tree = await SnapshotTree.ReadAsync(change.Client, await change.LookAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        return tree.FindRequest(own) is { } made ? tree.ViewOf(made)
            : throw new HypervisorException($"The snapshot '{name}' was made and is gone already: somebody has deleted it.", ErrorCode.NotFound, RequestOutcome.FailedMidway) { Resource = $"instance {change.Id}" };
    }

    private async Task RevertAsync(ContainerChange change, string name, CancellationToken cancellationToken)
    {
        var (tree, snapshot) = await RequireAsync(change.Client, change.Before, name, cancellationToken).ConfigureAwait(false);
        if (snapshot.Own.Stateful is true)
            throw new HypervisorException($"'{change.Id}' does not go back to '{name}', which others have made with memory. {LxdCapabilities.NoMemorySnapshots}", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
        string mark = (change.Request ?? RequestId.New()).ToString();
        await change.LeaveAsync(new Dictionary<string, string> { [Reverting] = mark }, false, null, cancellationToken).ConfigureAwait(false);
        if (change.Request is { } request)
            parts.Memory.Remember(request, new LxdMemory.Effect(WorkKinds.Revert, change.Id, change.Before.View.Incarnation) { HasBegun = true });

        // The server stops a container that runs, and starts it again.
        await change.DoAsync(
            () => change.Client.InstancePutAsync(change.Id.ToString(), new LxdInstancePut { Restore = name, Stateful = false }, cancellationToken: cancellationToken), $"'{change.Id}': going back to '{name}'",
            (facts, _) => Task.FromResult(facts is not null && !IsReverting(facts, mark)), ["instance-restored"], cancellationToken).ConfigureAwait(false);
        var after = await change.LookAsync(cancellationToken).ConfigureAwait(false);
        await change.LeaveAsync(Afterwards(change.Before, after, tree.WayBackTo(snapshot)), true, null, cancellationToken).ConfigureAwait(false);
    }

    internal static bool IsReverting(ContainerFacts facts, string mark) => facts.Own.Config is { } config && config.TryGetValue(Reverting, out string? value) && value == mark;

    /// <summary>What requests had left before it stays, and what they left before the snapshot is not there again.</summary>
    private static Dictionary<string, string> Afterwards(ContainerFacts before, ContainerFacts after, string way)
    {
        var config = new Dictionary<string, string> { [SnapshotTree.Way] = way, [Reverting] = "" };
        foreach (string key in (after.Own.Config ?? new Dictionary<string, string>()).Keys.Where(key => key.StartsWith(LxdRequestLog.Prefix, StringComparison.Ordinal)))
            config[key] = "";
        foreach (var (key, value) in (before.Own.Config ?? new Dictionary<string, string>()).Where(entry => entry.Key.StartsWith(LxdRequestLog.Prefix, StringComparison.Ordinal)))
            config[key] = value;
        return config;
    }
}
