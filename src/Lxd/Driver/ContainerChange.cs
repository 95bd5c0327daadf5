using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Work on one container, which nobody else of this process works on meanwhile.</summary>
internal sealed class ContainerChange(LxdParts parts, ContainerFacts before, string kind, RequestId? request, WorkProgress progress)
{
    private const string Updated = "instance-updated";

    public ContainerFacts Before => before;

    public InstanceId Id => before.Id;

    public LxdClient Client => parts.Client;

    public WorkProgress Progress => progress;

    public RequestId? Request => request;

    /// <summary>The server has done something for it.</summary>
    public bool HasEffect { get; private set; }

    /// <summary>Leaves at the container that the request has begun.</summary>
    public Task BeginAsync(CancellationToken cancellationToken) => LeaveAsync([], false, before.Run, cancellationToken);

    /// <summary>Leaves at the container that the request has had its effect.</summary>
    public Task EndAsync(CancellationToken cancellationToken) => LeaveAsync([], true, null, cancellationToken);

    /// <summary>The same, with other keys beside it in one step of the server's.</summary>
    /// <param name="config">The other keys.</param>
    /// <param name="isDone">Whether it has had its effect.</param>
    /// <param name="mark">See <see cref="RequestRecord"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task LeaveAsync(Dictionary<string, string> config, bool isDone, string? mark, CancellationToken cancellationToken)
    {
        if (request is { } id)
            new RequestRecord(kind, isDone, mark).Write(before, id, config);
        while (config.Count > 0)
        {
            // A description that a PATCH does not mention, both servers clear: it is sent as it is, as long as it is that.
            var now = await LookAsync(cancellationToken).ConfigureAwait(false);
            var body = new LxdInstancePut { Config = config, Description = now.Own.Description };
            try
            {
                await Client.InstancePatchAsync(Id.ToString(), body, new LxdCall { IfMatch = now.Tag }, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (LxdException error) when (error.Status == 412)
            {
                // Somebody was faster.
                await Task.Yield();
            }
        }
    }

    /// <summary>Changes the configuration, with what the request leaves, in one step of the server's. It compares that this is what was looked at; what is not mentioned stays.</summary>
    /// <param name="config">Keys; an empty value takes one away.</param>
    /// <param name="devices">Devices to add, or null.</param>
    /// <param name="description">The description; null as it is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task PatchAsync(Dictionary<string, string> config, Dictionary<string, IDictionary<string, string>>? devices, string? description, CancellationToken cancellationToken)
    {
        if (request is { } id)
            new RequestRecord(kind, true, null).Write(before, id, config);
        using var told = parts.News.Expect(Id, Updated);

        // A description that is not mentioned, both servers clear.
        var body = new LxdInstancePut { Config = config, Devices = devices, Description = description ?? before.Own.Description };
        await Client.InstancePatchAsync(Id.ToString(), body, new LxdCall { IfMatch = before.Tag }, cancellationToken).ConfigureAwait(false);
        HasEffect = true;
        await told.ToldAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same where devices go, too: a part of the configuration cannot say that, so it is replaced as a whole.</summary>
    public Task ReplaceAsync(IReadOnlyCollection<string> removed, Dictionary<string, string> config, Dictionary<string, IDictionary<string, string>>? devices, string? description, CancellationToken cancellationToken)
    {
        if (request is { } id)
            new RequestRecord(kind, true, null).Write(before, id, config);
        var own = before.Own;
        var whole = new Dictionary<string, string>(own.Config ?? new Dictionary<string, string>());
        foreach (var (key, value) in config)
        {
            whole[key] = value;
            if (value.Length == 0)
                whole.Remove(key);
        }

        var left = new Dictionary<string, IDictionary<string, string>>(own.Devices ?? new Dictionary<string, IDictionary<string, string>>());
        foreach (string name in removed)
        {
            // One of a profile stays there; another one of its name is put in its place.
            if (!left.Remove(name))
                left[name] = new Dictionary<string, string> { ["type"] = DeviceRules.None };
        }

        foreach (var (name, device) in devices ?? [])
            left[name] = device;
        var body = new LxdInstancePut
        {
            Architecture = own.Architecture, Config = whole, Description = description ?? own.Description, Devices = left, Ephemeral = own.Ephemeral, Profiles = own.Profiles,
        };
        return DoAsync(
            () => Client.InstancePutAsync(Id.ToString(), body, new LxdCall { IfMatch = before.Tag }, cancellationToken), $"'{Id}': changing its devices",
            facts => facts is not null && !DeviceRules.All(facts.Own).Any(device => removed.Contains(device.Key)), [Updated], cancellationToken);
    }

    /// <summary>The container as it is by now.</summary>
    public async Task<ContainerFacts> LookAsync(CancellationToken cancellationToken) => await parts.Containers.FindAsync(Id, cancellationToken).ConfigureAwait(false) ?? throw Refusal.NotFound(Id);

    /// <summary>Does something in the background of the server, and waits until it was told.</summary>
    /// <param name="begin">Begins it.</param>
    /// <param name="what">For messages.</param>
    /// <param name="isDone">Whether it is done, by what can be seen: for when the server no longer keeps the operation.</param>
    /// <param name="actions">The events that tell it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task DoAsync(Func<Task<LxdOperation>> begin, string what, Func<ContainerFacts?, bool> isDone, string[] actions, CancellationToken cancellationToken) =>
        DoAsync(begin, what, (facts, _) => Task.FromResult(isDone(facts)), actions, cancellationToken);

    /// <summary>The same where it is not the container alone that tells whether it is done.</summary>
    public async Task DoAsync(Func<Task<LxdOperation>> begin, string what, Func<ContainerFacts?, CancellationToken, Task<bool>> isDone, string[] actions, CancellationToken cancellationToken)
    {
        using var told = parts.News.Expect(Id, actions);
        var operation = await begin().ConfigureAwait(false);
        HasEffect = true;
        if (operation.Id is { } id)
            await WaitAsync(id, what, isDone, cancellationToken).ConfigureAwait(false);
        await told.ToldAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sets the state, as <c>PUT /1.0/instances/NAME/state</c> does.</summary>
    public Task SetAsync(string action, bool force, TimeSpan? timeout, Func<ContainerFacts?, bool> isDone, string[] actions, CancellationToken cancellationToken)
    {
        var wanted = new LxdInstanceStatePut { Action = action, Force = force, Timeout = timeout is { } limit ? (long)Math.Ceiling(Math.Min(limit.TotalSeconds, int.MaxValue)) : -1, Stateful = false };
        return DoAsync(() => Client.InstanceStatePutAsync(Id.ToString(), wanted, cancellationToken: cancellationToken), $"'{Id}': {action}", isDone, actions, cancellationToken);
    }

    private async Task WaitAsync(string operation, string what, Func<ContainerFacts?, CancellationToken, Task<bool>> isDone, CancellationToken cancellationToken)
    {
        try
        {
            await Client.WaitAsync(operation, what, cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound && error.Outcome == RequestOutcome.Rejected)
        {
            // It has ended, and the server has dropped it before it was asked.
            if (!await isDone(await parts.Containers.FindAsync(Id, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false))
                throw new HypervisorException($"{what}: the server no longer says how it ended, and it is not done.", ErrorCode.Unspecified, RequestOutcome.FailedMidway, error) { Resource = $"instance {Id}" };
        }
    }
}
