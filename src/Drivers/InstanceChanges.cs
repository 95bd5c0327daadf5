using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Drivers;

/// <summary>Changes of instances: each is found, compared with what the caller expects, accepted under its request id, and then worked on one at a time.</summary>
/// <typeparam name="T">The driver's own object of an instance.</typeparam>
/// <param name="ledger">The identity of requests.</param>
/// <param name="find">The object of an id; null when there is none.</param>
/// <param name="view">The instance as it is now.</param>
/// <param name="defaultDeadline">How long work may take where the request does not say.</param>
public sealed class InstanceChanges<T>(RequestLedger ledger, Func<InstanceId, T?> find, Func<T, Instance> view, TimeSpan defaultDeadline)
    where T : class
{
    // One gate an object, gone with it.
    private readonly ConditionalWeakTable<T, SemaphoreSlim> _gates = [];

    /// <summary>The object of an id, which must be there.</summary>
    /// <exception cref="ArgumentException">It is a default id.</exception>
    /// <exception cref="HypervisorException">There is none (<see cref="ErrorCode.NotFound"/>).</exception>
    public T Require(InstanceId id) => id.IsDefault ? throw new ArgumentException("An instance id is needed.", nameof(id)) : find(id) ?? throw Refusal.NotFound(id);

    /// <summary>Begins to make an instance.</summary>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="make">Makes it, or refuses by throwing. Nothing else is accepted meanwhile.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HypervisorException">The request made an instance before that was deleted since (<see cref="ErrorCode.Conflict"/>), or what <paramref name="make"/> throws.</exception>
    public async Task<Operation<Instance>> CreateAsync(RequestOptions? request, Func<T> make, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(make);
        T? made = null;
        var operation = await ledger.BeginAsync("create", request, defaultDeadline, () => view(made = make()).Id, (_, _) => Task.FromResult(view(made!)), cancellationToken, canCancel: false).ConfigureAwait(false);
        if (made is null && await ledger.LookUpAsync(operation.RequestId, cancellationToken).ConfigureAwait(false) is { State: RequestState.Succeeded, Instance: { } id } && find(id) is null)
            throw new HypervisorException($"The request {operation.RequestId} made '{id}', which was deleted since. Ask with a new request id for a new one.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {id}" };
        return operation;
    }

    /// <summary>Begins to change an instance.</summary>
    /// <param name="kind">The word for the effect.</param>
    /// <param name="id">The instance.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="accept">Refuses by throwing; null: nothing is refused. Nothing else is accepted meanwhile.</param>
    /// <param name="work">Does it. Nobody else works on the instance meanwhile.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<Operation<Instance>> ChangeAsync(string kind, InstanceId id, RequestOptions? request, Action<T>? accept, Func<T, CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(work);
        T? found = null;
        return ledger.BeginAsync(
            kind, request, defaultDeadline,
            () =>
            {
                found = Require(id);
                var now = view(found);
                Refusal.Unexpected(id, now.Revision, now.Incarnation, request);
                accept?.Invoke(found);
                return id;
            },
            async (_, token) =>
            {
                var gate = _gates.GetValue(found!, static _ => new SemaphoreSlim(1, 1));
                await gate.WaitAsync(token).ConfigureAwait(false);
                try
                {
                    if (!ReferenceEquals(find(id), found))
                        throw Refusal.InvalidState(id, $"'{id}' was deleted meanwhile.");
                    await work(found!, token).ConfigureAwait(false);
                    return view(found!);
                }
                finally
                {
                    gate.Release();
                }
            }, cancellationToken);
    }
}
