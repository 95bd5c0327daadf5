using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>False answers.</summary>
internal static class Answers
{
    /// <summary>An operation that has ended with a result.</summary>
    public static Operation<T> Done<T>(T result) => new TrackedOperation<T>(null, RequestId.New(), Task.FromResult(result), new WorkProgress());

    /// <summary>Claims success and does nothing.</summary>
    public static async Task<Operation<Instance>> NothingDone(Call call) => Done(await call.Hypervisor.GetAsync(call.Id));

    public static HypervisorException Error(ErrorCode code, string message = "No.", RequestOutcome outcome = RequestOutcome.Rejected) => new(message, code, outcome);

    /// <summary>The honest answer with what it says of instances changed.</summary>
    public static object? Instances(object? answer, Func<Instance, Instance> change) => answer switch
    {
        Task<Instance?> found => Found(found, change),
        Task<Operation<Instance>> begun => Begun(begun, change),
        PagedList<Instance> list => new ChangedList<Instance>(list, page => Copy.With(page, (nameof(page.Items), page.Items.Select(change).ToList()))),
        _ => answer,
    };

    /// <summary>The honest answer with its operation changed.</summary>
    public static async Task<Operation<Instance>> Operation(object? answer, Func<Operation<Instance>, Operation<Instance>> change) => change(await (Task<Operation<Instance>>)answer!);

    /// <summary>The honest answer with its events changed.</summary>
    public static async Task<Subscription> Events(object? answer, Func<BackendEvent, IEnumerable<BackendEvent>> change) => new ChangedSubscription(await (Task<Subscription>)answer!, change);

    /// <summary>What a call that is refused is told instead; anything else is the honest answer.</summary>
    public static async Task<T> Instead<T>(Call call, ErrorCode refused, Func<HypervisorException, Task<T>> instead)
    {
        try
        {
            var answer = await (Task<T>)call.Next()!;
            if (answer is not Operation operation)
                return answer;
            await operation.WaitAsync();
            return answer;
        }
        catch (HypervisorException error) when (error.Code == refused)
        {
            return await instead(error);
        }
    }

    /// <summary>The honest answer, with refusals said in another way.</summary>
    public static async Task<T> Refused<T>(Call call, Func<HypervisorException, Exception> other)
    {
        try
        {
            var answer = await (Task<T>)call.Next()!;
            if (answer is Operation operation)
                await operation.WaitAsync();
            return answer;
        }
        catch (HypervisorException error)
        {
            throw other(error);
        }
    }

    public static async IAsyncEnumerable<T> Items<T>(object? answer, Func<T, IEnumerable<T>> change, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var item in ((IAsyncEnumerable<T>)answer!).WithCancellation(cancellationToken))
        {
            foreach (var changed in change(item))
                yield return changed;
        }
    }

    private static async Task<Instance?> Found(Task<Instance?> found, Func<Instance, Instance> change) => await found is { } instance ? change(instance) : null;

    private static async Task<Operation<Instance>> Begun(Task<Operation<Instance>> begun, Func<Instance, Instance> change) => new ChangedOperation(await begun) { Result = change };
}

/// <summary>An operation that says something else.</summary>
internal sealed class ChangedOperation(Operation<Instance> honest) : Operation<Instance>
{
    public Func<Instance, Instance>? Result { get; init; }

    public Func<Task<Instance>, Task<Instance>>? Wait { get; init; }

    public Func<OperationProgress, OperationProgress>? Moment { get; init; }

    public Func<Task<bool>>? Cancel { get; init; }

    public OperationToken? OtherToken { get; init; }

    public RequestId? OtherRequest { get; init; }

    public override OperationToken? Token => OtherToken ?? honest.Token;

    public override RequestId RequestId => OtherRequest ?? honest.RequestId;

    public override async ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default)
    {
        var moment = await honest.GetProgressAsync(cancellationToken);
        return Moment?.Invoke(moment) ?? moment;
    }

    public override async Task<Instance> WaitAsync(CancellationToken cancellationToken = default)
    {
        var result = await (Wait is null ? honest.WaitAsync(cancellationToken) : Wait(honest.WaitAsync(cancellationToken)));
        return Result?.Invoke(result) ?? result;
    }

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => Cancel?.Invoke() ?? honest.TryCancelAsync(cancellationToken);

    public override IAsyncEnumerable<OperationProgress> WatchAsync(CancellationToken cancellationToken = default) => Answers.Items<OperationProgress>(honest.WatchAsync(cancellationToken), moment => [Moment?.Invoke(moment) ?? moment], cancellationToken);
}

/// <summary>A list whose pages say something else.</summary>
internal sealed class ChangedList<T>(PagedList<T> honest, Func<Page<T>, Page<T>> change) : PagedList<T>
{
    public int LeastItems { get; init; }

    public override async Task<Page<T>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default) => change(await honest.GetPageAsync(continuation, Math.Max(LeastItems, maxItems), cancellationToken));
}

/// <summary>A subscription that tells something else.</summary>
internal sealed class ChangedSubscription(Subscription honest, Func<BackendEvent, IEnumerable<BackendEvent>> change) : Subscription
{
    private bool _isRead;

    public bool LetsMoreRead { get; init; }

    public bool NeverEnds { get; init; }

    public override IAsyncEnumerator<BackendEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (LetsMoreRead && _isRead)
            return AsyncEnumerable.Empty<BackendEvent>().GetAsyncEnumerator(cancellationToken);
        _isRead = true;
        return ReadAsync(honest.GetAsyncEnumerator(cancellationToken), cancellationToken);
    }

    public override ValueTask DisposeAsync() => honest.DisposeAsync();

    private async IAsyncEnumerator<BackendEvent> ReadAsync(IAsyncEnumerator<BackendEvent> events, CancellationToken cancellationToken)
    {
        await using (events)
        {
            while (await events.MoveNextAsync())
            {
                foreach (var changed in change(events.Current))
                    yield return changed;
            }
        }

        if (NeverEnds)
            await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
