namespace Hypervisor.Sdk;

/// <summary>What virtual machines and containers have in common. Got by <see cref="IHypervisor"/> or <see cref="IContainerRuntime"/>; each lists and accepts its own kind only.</summary>
/// <remarks>
/// Every call that changes something returns once the backend has accepted it, with the <see cref="Operation"/> to wait for. It throws <see cref="HypervisorException"/> when it was not accepted; what goes wrong
/// later is thrown by <see cref="Operation.WaitAsync"/>. A default id or plan is an <see cref="ArgumentException"/>. Cancelling ends the wait for the backend's answer and throws
/// <see cref="OperationCanceledException"/>; whether the backend has begun is then unknown, and settled by <see cref="IRequestLog"/>.
/// What the state of an instance does not allow is refused with <see cref="ErrorCode.InvalidState"/> and <see cref="RequestOutcome.Rejected"/>, and nothing has changed; which calls that are in which state is the table of docs/life-cycle.md.
/// </remarks>
public interface ICompute
{
    /// <summary>The instances, page by page, in an order of the backend's. A node that does not answer is named on its page (<see cref="Page{T}.Unreachable"/>) and does not fail the list.</summary>
    /// <param name="filter">Which ones; all when null.</param>
    PagedList<Instance> List(InstanceFilter? filter = null);

    /// <summary>One instance; null when there is none of that id.</summary>
    Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default);

    /// <summary>Boots an instance, or goes on with a suspended one; one whose guest has crashed is booted anew. Starting one that runs succeeds and does nothing.</summary>
    /// <exception cref="HypervisorException">It is paused and has to be resumed, or it is a template (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Asks the guest to shut down, and switches it off when it does not in time, as the options say. One that is paused, suspended or has crashed is stopped from then on; what was saved is thrown away. Stopping one that is stopped succeeds and does nothing.</summary>
    Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Stops, then starts, from whatever state. Changes that wait for the next start take effect.</summary>
    /// <exception cref="HypervisorException">It is a template (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes an instance with the disks whose <see cref="DiskDisposal"/> says so. One that is suspended goes with what was saved.</summary>
    /// <exception cref="HypervisorException">It runs or is paused, and is not to be stopped first; of one that has crashed, what ran it may still be there; or linked clones depend on it (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Says what a change would do, without doing it. In every state.</summary>
    Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default);

    /// <summary>
    /// Carries out a plan. It is made anew first: when the instance has changed since (<see cref="ErrorCode.Conflict"/>), when a step is impossible (<see cref="ErrorCode.Unsupported"/>), or when an effect
    /// is not accepted by the options (<see cref="ErrorCode.InvalidArgument"/>), nothing is done.
    /// </summary>
    Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Subscribes to what happens to instances. Completes when the backend has confirmed: everything after that is in the subscription.</summary>
    /// <exception cref="HypervisorException"><see cref="WatchOptions.After"/> is too old (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default);
}
