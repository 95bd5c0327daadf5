namespace Hypervisor.Sdk;

/// <summary>What every call to one backend goes through: who listens is told, it waits for its turn, and it ends when its time is up. Where none of that is wanted, the call is made as if this were not here.</summary>
internal sealed partial class CallPipeline(BackendName backend, string kind, BackendLimits limits, TimeProvider time)
{
    // Never disposed: it has no wait handle, and calls may still end after the backend was disposed.
    private readonly SemaphoreSlim? _turns = limits.MaxConcurrentCalls is { } max ? new(max, max) : null;

    public BackendName Backend => backend;

    public string Kind => kind;

    public TimeProvider Time => time;

    public Task<T> RunAsync<TState, T>(in Call call, TState state, Func<TState, CancellationToken, Task<T>> invoke, CancellationToken cancellationToken) =>
        IsIdle(call) ? invoke(state, cancellationToken) : RunObservedAsync(call, state, invoke, cancellationToken);

    public Task RunAsync<TState>(in Call call, TState state, Func<TState, CancellationToken, Task> invoke, CancellationToken cancellationToken) =>
        IsIdle(call) ? invoke(state, cancellationToken) : RunObservedAsync(call, (state, invoke), static async (s, token) =>
        {
            await s.invoke(s.state, token).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    public ValueTask<T> RunAsync<TState, T>(in Call call, TState state, Func<TState, CancellationToken, ValueTask<T>> invoke, CancellationToken cancellationToken) =>
        IsIdle(call) ? invoke(state, cancellationToken) : new(RunObservedAsync(call, (state, invoke), static (s, token) => s.invoke(s.state, token).AsTask(), cancellationToken));

    public Task<Operation<T>> BeginAsync<TState, T>(in Call call, TState state, Func<TState, CancellationToken, Task<Operation<T>>> invoke, CancellationToken cancellationToken) =>
        IsIdle(call) ? invoke(state, cancellationToken) : BeginObservedAsync(call, state, invoke, cancellationToken);

    public Task<Operation> BeginAsync<TState>(in Call call, TState state, Func<TState, CancellationToken, Task<Operation>> invoke, CancellationToken cancellationToken) =>
        IsIdle(call) ? invoke(state, cancellationToken) : BeginObservedAsync(call, state, invoke, cancellationToken);

    public HypervisorException TimedOut(in Call call, TimeSpan deadline, RequestOutcome outcome) =>
        new($"Backend '{backend}' did not finish {call.Name} within {deadline}.", ErrorCode.Timeout, outcome) { Backend = backend, Resource = call.Instance is { } id ? $"instance {id}" : null };

    private bool IsIdle(in Call call) => _turns is null && DeadlineOf(call) is null && !CallTelemetry.IsHeard;

    private TimeSpan? DeadlineOf(in Call call) => call.Request?.Deadline ?? (call.IsLong ? null : limits.Deadline);

    private async Task<Operation<T>> BeginObservedAsync<TState, T>(Call call, TState state, Func<TState, CancellationToken, Task<Operation<T>>> invoke, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var operation = await RunObservedAsync(call, state, invoke, cancellationToken).ConfigureAwait(false);
        return new ObservedOperation<T>(operation, new(this, call, operation.RequestId, started));
    }

    private async Task<Operation> BeginObservedAsync<TState>(Call call, TState state, Func<TState, CancellationToken, Task<Operation>> invoke, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var operation = await RunObservedAsync(call, state, invoke, cancellationToken).ConfigureAwait(false);
        return new ObservedOperation(operation, new(this, call, operation.RequestId, started));
    }

    private async Task<T> RunObservedAsync<TState, T>(Call call, TState state, Func<TState, CancellationToken, Task<T>> invoke, CancellationToken cancellationToken)
    {
        using var observation = CallTelemetry.IsHeard ? new CallObservation(this, call) : null;
        try
        {
            return await RunInTimeAsync(call, state, invoke, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            observation?.Fail(exception);
            throw;
        }
    }

    private async Task<T> RunInTimeAsync<TState, T>(Call call, TState state, Func<TState, CancellationToken, Task<T>> invoke, CancellationToken cancellationToken)
    {
        var deadline = DeadlineOf(call);
        if (deadline is { Ticks: <= 0 })
            throw TimedOut(call, deadline.Value, RequestOutcome.NotSent);
        using var timer = deadline is { } span ? new CancellationTokenSource(span, time) : null;
        using var linked = timer is null ? null : CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        var token = linked?.Token ?? cancellationToken;
        bool hasTurn = false;
        Task<T>? work = null;
        try
        {
            if (_turns is not null)
                await _turns.WaitAsync(token).ConfigureAwait(false);
            hasTurn = true;
            work = invoke(state, token);

            // A driver that does not look at its token is left behind, not waited for.
            return await (timer is null ? work : work.WaitAsync(token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (timer is { IsCancellationRequested: true } && !cancellationToken.IsCancellationRequested)
        {
            // Whether a read happened does not matter: it changed nothing, and repeating it is safe.
            throw TimedOut(call, deadline!.Value, !hasTurn ? RequestOutcome.NotSent : call.Mutates ? RequestOutcome.Unknown : RequestOutcome.Rejected);
        }
        catch (OperationCanceledException exception) when (linked is not null && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
        finally
        {
            if (work is { IsCompleted: false })
                _ = LeaveBehindAsync(work);
            else if (hasTurn)
                _turns?.Release();
        }
    }

    // The backend is busy with it until it ends, so the turn lasts; what it opens by then belongs to nobody.
    private async Task LeaveBehindAsync<T>(Task<T> work)
    {
        await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _turns?.Release();
        if (work.IsCompletedSuccessfully && await work.ConfigureAwait(false) is IAsyncDisposable opened)
            await opened.DisposeAsync().ConfigureAwait(false);
    }
}
