namespace Hypervisor.Sdk.Conformance.LifeCycle;

/// <summary>Brings instances into one state and does to them what can be done, each thing once.</summary>
internal sealed class LifeCycleWalk
{
    private static readonly SnapshotName s_snapshot = SnapshotName.Parse("a");
    private static readonly StopOptions s_soon = new() { GracePeriod = TimeSpan.FromMilliseconds(100) };

    private readonly CheckContext _context;
    private readonly string _state;
    private readonly bool _isPower;
    private readonly HashSet<InstanceId> _seen = [];
    private Instance? _instance;

    private LifeCycleWalk(CheckContext context, string state, bool isPower)
    {
        _context = context;
        _state = state;
        _isPower = isPower;
    }

    /// <summary>Walks a column of the table; what the backend has no interface for is left out.</summary>
    public static async Task RunAsync(CheckContext context, string state, bool isPower)
    {
        var walk = new LifeCycleWalk(context, state, isPower);
        foreach (var row in LifeCycleTable.Rows.Where(row => LifeCycleTable.IsPower(row.Operation) == isPower))
        {
            if (await walk.CanAsync(row.Operation).ConfigureAwait(false))
                await walk.TakeAsync(row).ConfigureAwait(false);
        }
    }

    private async Task<bool> CanAsync(LifeCycleOperation operation) => operation switch
    {
        LifeCycleOperation.Reset => Has<IReset>(),
        LifeCycleOperation.Pause or LifeCycleOperation.Resume => Has<IPausing>(),
        LifeCycleOperation.Suspend => Has<ISuspendToDisk>(),
        LifeCycleOperation.Snapshot or LifeCycleOperation.Revert or LifeCycleOperation.DeleteSnapshot => Has<ISnapshots>(),
        LifeCycleOperation.MemorySnapshot => Has<ISnapshots>() && (await _context.Backend.QueryAsync(Capability.MemorySnapshots, default, _context.Token).ConfigureAwait(false)).Support == CapabilitySupport.Yes,
        LifeCycleOperation.Clone => Has<ICloning>(),
        LifeCycleOperation.ToTemplate or LifeCycleOperation.ToInstance => Has<ITemplates>(),
        _ => true,
    };

    private bool Has<T>()
        where T : class => _context.Backend.TryGet<T>(out _);

    private async Task TakeAsync(LifeCycleRow row)
    {
        var before = _instance ??= await ReachAsync().ConfigureAwait(false);
        string[] allowed = LifeCycleTable.Cell(row, _state);
        string what = $"'{row.Name}' of an instance that is {_state}";
        var snapshots = await SnapshotsAsync(before.Id).ConfigureAwait(false);
        var copies = new List<Instance>();
        try
        {
            await DoAsync(row.Operation, before.Id, copies).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            await RefusedAsync(error, what, allowed, before, snapshots).ConfigureAwait(false);
            return;
        }

        if (allowed is [LifeCycleTable.Refused])
            throw new CheckFailedException($"{what} succeeds; it must be refused (invalid-state).");
        var after = await _context.Compute.FindAsync(before.Id, _context.Token).ConfigureAwait(false);
        string now = after is null ? LifeCycleTable.Gone : StateOf(after);
        _context.Require(allowed.Contains(now) || (allowed.Contains(LifeCycleTable.Stays) && now == _state), $"{what} leaves it {now}; it must be {string.Join(" or ", allowed.Except([LifeCycleTable.Refused]))}.");
        if (after is null)
        {
            _instance = null;
            return;
        }

        _context.RequireEqual(before.Incarnation, after.Incarnation, $"The incarnation after {what}");
        if (allowed.Contains(LifeCycleTable.Stays) && row.Operation is not (LifeCycleOperation.Reset or LifeCycleOperation.Revert))
            _context.RequireEqual(before.StartedAt, after.StartedAt, $"The time of the start after {what}");
        if (_isPower)
            _context.RequireEqual(before.Revision, after.Revision, $"The revision of the configuration after {what}");
        await HasEffectAsync(row.Operation, what, after, snapshots.Count, copies).ConfigureAwait(false);
        await NextAsync(now == _state ? after : null).ConfigureAwait(false);
    }

    /// <summary>Who refuses has looked at the instance, and has left it as it was.</summary>
    private async Task RefusedAsync(HypervisorException error, string what, string[] allowed, Instance before, IReadOnlyList<string> snapshots)
    {
        _context.Require(allowed.Contains(LifeCycleTable.Refused), $"{what} is refused with '{error.Code}'; it must leave it {string.Join(" or ", allowed)}. The message was: {error.Message}");
        _context.RequireEqual(ErrorCode.InvalidState, error.Code, $"The code with which {what} is refused ({error.Message})");
        _context.RequireEqual(RequestOutcome.Rejected, error.Outcome, $"The outcome with which {what} is refused");
        _context.Require((error.Message + " " + error.Resource).Contains(before.Name, StringComparison.Ordinal) || (error.Message + " " + error.Resource).Contains(before.Id.ToString(), StringComparison.Ordinal), $"{what} is refused, and the refusal names neither the id nor the name: {error.Message}");
        var after = await _context.GetAsync(before.Id).ConfigureAwait(false);
        _context.RequireEqual(Print(before), Print(after), $"The instance after {what} was refused");
        _context.RequireEqual(string.Join(", ", snapshots), string.Join(", ", await SnapshotsAsync(before.Id).ConfigureAwait(false)), $"The snapshots after {what} was refused");
        var others = (await _context.ListOwnAsync().ConfigureAwait(false)).Where(other => !_seen.Contains(other.Id)).Select(other => other.Name).ToList();
        _context.Require(others.Count == 0, $"After {what} was refused there are further instances: {CheckContext.Print(others)}.");
        _instance = after;
    }

    /// <summary>An instance that is no longer in the state makes room for another one that is.</summary>
    private async Task NextAsync(Instance? instance)
    {
        if (instance is null && _instance is { } left)
            await _context.DeleteAsync(left.Id, stopFirst: true).ConfigureAwait(false);
        _instance = instance;
    }

    private async Task<Instance> ReachAsync()
    {
        var made = await _context.CreateAsync().ConfigureAwait(false);
        _seen.Add(made.Id);
        if (!_isPower && Has<ISnapshots>())
            await _context.Backend.Get<ISnapshots>().CreateAsync(made.Id, new SnapshotSpec { Name = s_snapshot }, null, _context.Token).WaitForCompletionAsync(_context.Token).ConfigureAwait(false);
        if (_state == LifeCycleTable.Template)
            await _context.Backend.Get<ITemplates>().ConvertToTemplateAsync(made.Id, null, _context.Token).WaitForCompletionAsync(_context.Token).ConfigureAwait(false);
        else if (_state != PowerState.Stopped.ToString())
            await _context.StartAsync(made.Id).ConfigureAwait(false);
        if (_state == PowerState.Paused.ToString())
            await _context.Backend.Get<IPausing>().PauseAsync(made.Id, null, _context.Token).WaitForCompletionAsync(_context.Token).ConfigureAwait(false);
        if (_state == PowerState.Suspended.ToString())
            await _context.Backend.Get<ISuspendToDisk>().SuspendAsync(made.Id, null, _context.Token).WaitForCompletionAsync(_context.Token).ConfigureAwait(false);
        if (_state == PowerState.Crashed.ToString())
        {
            await _context.Target.Guests!.CrashAsync(made.Id, _context.Token).ConfigureAwait(false);
            await _context.EventuallyAsync("An instance whose guest ended by itself being crashed", () => _context.GetAsync(made.Id), instance => instance.State == PowerState.Crashed).ConfigureAwait(false);
        }

        var reached = await _context.GetAsync(made.Id).ConfigureAwait(false);
        _context.RequireEqual(_state, StateOf(reached), "The state that an instance was brought into");
        return reached;
    }

    private Task DoAsync(LifeCycleOperation operation, InstanceId id, List<Instance> copies)
    {
        var (backend, token) = (_context.Backend, _context.Token);
        return operation switch
        {
            LifeCycleOperation.Start => _context.StartAsync(id),
            LifeCycleOperation.Stop => _context.StopAsync(id),
            LifeCycleOperation.StopInTime => _context.Compute.StopAsync(id, s_soon, null, token).WaitForCompletionAsync(token),
            LifeCycleOperation.Restart => _context.RestartAsync(id),
            LifeCycleOperation.Reset => backend.Get<IReset>().ResetAsync(id, null, token).WaitForCompletionAsync(token),
            LifeCycleOperation.Pause => backend.Get<IPausing>().PauseAsync(id, null, token).WaitForCompletionAsync(token),
            LifeCycleOperation.Resume => backend.Get<IPausing>().ResumeAsync(id, null, token).WaitForCompletionAsync(token),
            LifeCycleOperation.Suspend => backend.Get<ISuspendToDisk>().SuspendAsync(id, null, token).WaitForCompletionAsync(token),
            LifeCycleOperation.Delete => _context.DeleteAsync(id),
            LifeCycleOperation.StopAndDelete => _context.DeleteAsync(id, stopFirst: true),
            LifeCycleOperation.Change => _context.ChangeAsync(id, change => change.Description = _state),
            LifeCycleOperation.Snapshot => SnapshotAsync(id, "b", memory: false),
            LifeCycleOperation.MemorySnapshot => SnapshotAsync(id, "c", memory: true),
            LifeCycleOperation.Revert => backend.Get<ISnapshots>().RevertAsync(id, s_snapshot, null, token).WaitForCompletionAsync(token),
            LifeCycleOperation.DeleteSnapshot => backend.Get<ISnapshots>().DeleteAsync(id, s_snapshot, null, token).WaitForCompletionAsync(token),
            LifeCycleOperation.Clone => CloneAsync(id, copies),
            LifeCycleOperation.ToTemplate => backend.Get<ITemplates>().ConvertToTemplateAsync(id, null, token).WaitForCompletionAsync(token),
            _ => backend.Get<ITemplates>().ConvertToInstanceAsync(id, null, token).WaitForCompletionAsync(token),
        };
    }

    private Task<Snapshot> SnapshotAsync(InstanceId id, string name, bool memory) =>
        _context.Backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse(name), IncludeMemory = memory }, null, _context.Token).WaitForCompletionAsync(_context.Token);

    private async Task CloneAsync(InstanceId id, List<Instance> copies) =>
        copies.Add(await _context.Backend.Get<ICloning>().CloneAsync(id, new CloneSpec { Name = _context.NewName() }, null, _context.Token).WaitForCompletionAsync(_context.Token).ConfigureAwait(false));

    private async Task HasEffectAsync(LifeCycleOperation operation, string what, Instance after, int snapshots, List<Instance> copies)
    {
        switch (operation)
        {
            case LifeCycleOperation.Change:
                _context.RequireEqual(_state, after.Description, $"The description after {what}");
                break;
            case LifeCycleOperation.Snapshot or LifeCycleOperation.MemorySnapshot:
                _context.RequireEqual(snapshots + 1, (await SnapshotsAsync(after.Id).ConfigureAwait(false)).Count, $"The number of snapshots after {what}");
                break;
            case LifeCycleOperation.DeleteSnapshot:
                _context.RequireEqual(snapshots - 1, (await SnapshotsAsync(after.Id).ConfigureAwait(false)).Count, $"The number of snapshots after {what}");
                break;
            case LifeCycleOperation.Clone:
                _context.RequireEqual("stopped", StateOf(copies.Single()), $"The state of the clone after {what}");
                await _context.DeleteAsync(copies.Single().Id).ConfigureAwait(false);
                break;
        }
    }

    private async Task<IReadOnlyList<string>> SnapshotsAsync(InstanceId id)
    {
        var all = new List<string>();
        if (_isPower || !_context.Backend.TryGet<ISnapshots>(out var snapshots))
            return all;
        await foreach (var snapshot in snapshots.ListAsync(id, _context.Token).ConfigureAwait(false))
            all.Add($"{snapshot.Parent}/{snapshot.Name}{(snapshot.IsCurrent ? "*" : "")}");
        return all;
    }

    private static string StateOf(Instance instance) => instance.IsTemplate ? LifeCycleTable.Template : instance.State.ToString();

    private static string Print(Instance instance) => $"{instance.Name}, {StateOf(instance)}, revision {instance.Revision}, '{instance.Description}', started {CheckContext.Print(instance.StartedAt)}{(instance.HasPendingChanges ? ", changes pending" : "")}";
}
