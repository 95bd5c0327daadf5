using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Work on one container, which nobody else of this process works on meanwhile.</summary>
internal sealed class ContainerChange(LxdParts parts, ContainerFacts before, string kind, RequestId? request, WorkProgress progress)
{
    public ContainerFacts Before => before;

    public InstanceId Id => before.Id;

    public LxdClient Client => parts.Client;

    public WorkProgress Progress => progress;

    public RequestId? Request => request;

    /// <summary>The server has done something for it.</summary>
    public bool HasEffect { get; private set; }

    /// <summary>Leaves at the container that the request has begun.</summary>
    public Task BeginAsync(CancellationToken cancellationToken) => WriteAsync(new RequestRecord(kind, false, before.Run), cancellationToken);

    /// <summary>Leaves at the container that the request has had its effect.</summary>
    public Task EndAsync(CancellationToken cancellationToken) => WriteAsync(new RequestRecord(kind, true, null), cancellationToken);

    /// <summary>Does something in the background of the server, and waits until it was told.</summary>
    /// <param name="begin">Begins it.</param>
    /// <param name="what">For messages.</param>
    /// <param name="isDone">Whether it is done, by what can be seen: for when the server no longer keeps the operation.</param>
    /// <param name="actions">The events that tell it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task DoAsync(Func<Task<LxdOperation>> begin, string what, Func<ContainerFacts?, bool> isDone, string[] actions, CancellationToken cancellationToken)
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

    private async Task WaitAsync(string operation, string what, Func<ContainerFacts?, bool> isDone, CancellationToken cancellationToken)
    {
        try
        {
            await Client.WaitAsync(operation, what, cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound && error.Outcome == RequestOutcome.Rejected)
        {
            // It has ended, and the server has dropped it before it was asked.
            if (!isDone(await parts.Containers.FindAsync(Id, cancellationToken).ConfigureAwait(false)))
                throw new HypervisorException($"{what}: the server no longer says how it ended, and it is not done.", ErrorCode.Unspecified, RequestOutcome.FailedMidway, error) { Resource = $"instance {Id}" };
        }
    }

    private async Task WriteAsync(RequestRecord record, CancellationToken cancellationToken)
    {
        if (request is not { } id)
            return;
        var config = new Dictionary<string, string>();
        record.Write(before, id, config);
        await Client.InstancePatchAsync(Id.ToString(), new LxdInstancePut { Config = config }, cancellationToken: cancellationToken).ConfigureAwait(false);
    }
}
