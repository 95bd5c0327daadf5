using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Migration;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Begins changes: takes the machine's lock, finishes or undoes what a crash has left, looks whether the request was seen before, checks what the caller compares, notes the beginning, runs the work, notes the end.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineWork(QemuServices services, MachineTable table, MachineRecovery recovery)
{
    private readonly ConcurrentDictionary<RequestId, Running> _running = [];

    /// <summary>The operation of a token that runs in this process; null when none does.</summary>
    public Operation? FindRunning(OperationToken token) => _running.Values.FirstOrDefault(running => running.Operation.Token == token).Operation;

    /// <summary>Whether a request is being carried out in this process, and by what.</summary>
    public Operation? FindRunning(RequestId request) => _running.GetValueOrDefault(request).Operation;

    /// <summary>The operation of a request that is being carried out in this process; null when none is.</summary>
    /// <param name="request">The request.</param>
    /// <param name="kind">What is asked for by it now.</param>
    /// <param name="machineId">Of which machine; null where that follows from the request.</param>
    /// <exception cref="HypervisorException">Something else was asked for by it, or of another machine.</exception>
    public Operation<T>? FindSame<T>(RequestId request, string kind, string? machineId = null)
    {
        if (!_running.TryGetValue(request, out var running))
            return null;
        return running.Kind == kind && (machineId is null || machineId == running.MachineId) && running.Operation is Operation<T> same
            ? same : throw OtherKind(request, $"{running.Kind}' of '{running.MachineId}", machineId is null ? kind : $"{kind}' of '{machineId}");
    }

    /// <summary>Begins a change of a machine that there is.</summary>
    /// <param name="id">The machine.</param>
    /// <param name="kind">The word for it in the journal; <see cref="MachineRecovery"/> knows it.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="accept">Looks whether it can be done, and refuses by throwing; returns what recovery must know.</param>
    /// <param name="work">Does it.</param>
    /// <param name="again">The result for a request that was carried out before.</param>
    /// <param name="canCancel">Whether the work heeds cancellation.</param>
    /// <param name="resume">What goes on with an interrupted change that recovery has left open, as that change; null, or a null from it, refuses.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    public async Task<Operation<T>> BeginAsync<T>(
        InstanceId id, string kind, RequestOptions? request, Func<MachineChange, CancellationToken, Task<string?>> accept, Func<MachineChange, CancellationToken, Task<T>> work,
        Func<MachineChange, CancellationToken, Task<T>> again, bool canCancel = false, Func<MachineChange, JournalEntry, Func<MachineChange, CancellationToken, Task<T>>?>? resume = null, CancellationToken cancellationToken = default)
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        var requestId = request?.RequestId ?? RequestId.New(services.Time);
        string machineId = id.ToString();
        if (FindSame<T>(requestId, kind, machineId) is { } running)
            return running;
        if (!MachineIds.IsValid(machineId) || table.Get(machineId).ReadConfig() is null)
            throw NotFound(machineId);
        var deadline = request?.Deadline ?? services.Options.DefaultDeadline;
        var hold = await table.HoldAsync(machineId, deadline, cancellationToken).ConfigureAwait(false);
        using var timeout = new CancellationTokenSource(deadline, services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var progress = new WorkProgress { CanCancel = canCancel };
        var change = new MachineChange(services, table, hold, services.State.ReadJournal(machineId)) { Progress = progress };
        try
        {
            await recovery.RecoverAsync(change, either.Token).ConfigureAwait(false);
            if (change.Machine.ReadConfig() is not { } config)
                throw NotFound(machineId);
            if (config.Incoming is { } incoming)
                throw new HypervisorException($"'{config.Name}' was being moved here when that was interrupted, and whether it is here is written down in {(incoming.SourceState is { } path ? $"'{path}', which cannot be looked at now" : $"the backend '{incoming.Source}', which does not say so now")}.", ErrorCode.Unavailable, RequestOutcome.NotSent) { Resource = $"instance {machineId}" };
            if (change.Journal.Open.FirstOrDefault() is { } open && resume?.Invoke(change, open) is { } rest)
                return Run(change, open.Operation, kind, requestId, deadline, rest);
            if (change.Journal.Open.FirstOrDefault() is { } left && MigrationDecision.IntentOf(left) is { } move)
                throw new HypervisorException($"'{config.Name}' was given to '{move.Target}' by a move that was interrupted, and whether it has arrived is written down {(move.TargetState is { } path ? $"in '{path}'" : "there")}, which does not say so yet: {(move.PostCopy ? "move it there once more" : "connect that backend")}.", ErrorCode.Unavailable, RequestOutcome.NotSent) { Resource = $"instance {machineId}" };
            if (change.Journal.Find(requestId) is { } seen)
                return await RepeatAsync(change, seen, requestId, kind, again, cancellationToken).ConfigureAwait(false);
            CheckExpectations(config, change.Journal, request);
            string? intent = await accept(change, either.Token).ConfigureAwait(false);
            long operation = Begin(change, kind, requestId, request, intent);
            return Run(change, operation, kind, requestId, deadline, work);
        }
        catch (OperationCanceledException error) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            await change.DisposeAsync().ConfigureAwait(false);
            throw new HypervisorException($"'{machineId}' could not be looked at within {deadline.TotalSeconds:0.#} s; nothing was begun.", ErrorCode.Timeout, RequestOutcome.NotSent, error);
        }
        catch
        {
            await change.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Runs work whose beginning is noted. The change is disposed when it has ended.</summary>
    public Operation<T> Run<T>(MachineChange change, long operation, string kind, RequestId requestId, TimeSpan deadline, Func<MachineChange, CancellationToken, Task<T>> work)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var task = Task.Run(async () =>
        {
            await begun.Task.ConfigureAwait(false);
            try
            {
                return await RunAsync(change, operation, deadline, work).ConfigureAwait(false);
            }
            finally
            {
                _running.TryRemove(requestId, out _);
                await change.DisposeAsync().ConfigureAwait(false);
            }
        });
        var running = new TrackedOperation<T>(TokenOf(change.Id, operation), requestId, task, change.Progress);
        _running[requestId] = new Running(running, kind, change.Id);
        // An operation that nobody waits for must not bring the process down when it fails.
        _ = task.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        begun.SetResult();
        return running;
    }

    public OperationToken TokenOf(string id, long operation) => new(1, services.Name, string.Create(CultureInfo.InvariantCulture, $"{id}.{operation}"));

    /// <summary>An operation that is already in the journal and has ended.</summary>
    public async Task<Operation<T>> RepeatAsync<T>(
        MachineChange change, JournalEntry seen, RequestId requestId, string kind, Func<MachineChange, CancellationToken, Task<T>> again, CancellationToken cancellationToken)
    {
        if (seen.Kind != kind)
            throw OtherKind(requestId, seen.Kind!, kind);
        var end = change.Journal.EndOf(seen.Operation);
        var result = end is { Outcome: JournalOutcomes.Succeeded }
            ? Task.FromResult(await again(change, cancellationToken).ConfigureAwait(false))
            : Task.FromException<T>(end?.Error?.ToException() ?? new HypervisorException("The operation did not finish.", ErrorCode.Unspecified, RequestOutcome.FailedMidway));
        _ = result.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        var operation = new TrackedOperation<T>(TokenOf(change.Id, seen.Operation), requestId, result, change.Progress);
        await change.DisposeAsync().ConfigureAwait(false);
        return operation;
    }

    /// <summary>Refuses what the caller compares and is no longer so.</summary>
    public static void CheckExpectations(MachineConfig config, MachineJournal journal, RequestOptions? request)
    {
        if (request?.IfRevision is { } revision && revision != InstanceView.RevisionOf(config))
            throw Conflict(config.Id, $"its configuration is at revision {config.Revision}, not {revision}");
        if (request?.IfIncarnation is { } incarnation && incarnation.ToString() != config.Uuid.ToString("D"))
            throw Conflict(config.Id, $"it is the incarnation {config.Uuid:D}, not {incarnation}");
        if (request?.FencingToken is { } token && journal.HighestFencingToken > token)
            throw Conflict(config.Id, $"a lock with the token {journal.HighestFencingToken} has been seen, which is newer than {token}");
    }

    private async Task<T> RunAsync<T>(MachineChange change, long operation, TimeSpan deadline, Func<MachineChange, CancellationToken, Task<T>> work)
    {
        using var timeout = new CancellationTokenSource(deadline, services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, change.Progress.Cancelled);
        HypervisorException failure;
        try
        {
            var result = await work(change, either.Token).ConfigureAwait(false);
            await change.CatchUpAsync().ConfigureAwait(false);
            End(change, operation, JournalOutcomes.Succeeded, null);
            return result;
        }
        catch (HypervisorException error)
        {
            failure = error;
        }
        catch (OperationCanceledException error)
        {
            failure = timeout.IsCancellationRequested
                ? new HypervisorException($"The work on '{change.Id}' did not finish within {deadline.TotalSeconds:0.#} s.", ErrorCode.Timeout, RequestOutcome.FailedMidway, error)
                : new HypervisorException($"The work on '{change.Id}' was cancelled.", ErrorCode.Cancelled, RequestOutcome.FailedMidway, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            failure = new HypervisorException($"The work on '{change.Id}' failed: {error.Message}", ErrorCode.Unspecified, RequestOutcome.FailedMidway, error);
        }

        await change.CatchUpAsync().ConfigureAwait(false);
        failure = new HypervisorException(failure.Message, failure.Code, failure.Outcome, failure)
        {
            Backend = services.Name,
            Resource = failure.Resource ?? $"instance {change.Id}",
            BackendCode = failure.BackendCode,
            BackendMessage = failure.BackendMessage,
            FieldErrors = failure.FieldErrors,
        };
        End(change, operation, failure.Code == ErrorCode.Cancelled ? JournalOutcomes.Cancelled : JournalOutcomes.Failed, failure);
        throw failure;
    }

    /// <summary>Notes the beginning. A deletion is what makes room on a full disk: for its note there is a reserve.</summary>
    private long Begin(MachineChange change, string kind, RequestId requestId, RequestOptions? request, string? intent)
    {
        try
        {
            return change.Journal.Begin(kind, requestId, services.Time.GetUtcNow(), request?.FencingToken, intent);
        }
        catch (HypervisorException full) when (full.Code == ErrorCode.Exhausted && kind == WorkKinds.Delete && services.State.Reserve.GiveUp())
        {
            return change.Journal.Begin(kind, requestId, services.Time.GetUtcNow(), request?.FencingToken, intent);
        }
    }

    /// <summary>Notes the end, unless the machine has gone with its journal, or was given to another host, which has still to take it: then recovery finds the end.</summary>
    private void End(MachineChange change, long operation, string outcome, HypervisorException? error)
    {
        if (MigrationDecision.IsGivenAway(change.Root, change.Id))
        {
            change.Machine.IsUnsettled = true;
            table.Unsettled?.Invoke();
        }
        else if (change.Root.Find(StateDirectory.Machine(change.Id)) is not null)
            change.Journal.End(operation, outcome, services.Time.GetUtcNow(), error);
    }

    private static HypervisorException NotFound(string id) => new($"There is no instance '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {id}" };

    private static HypervisorException Conflict(string id, string why) => new($"'{id}' was not changed: {why}.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {id}" };

    private static HypervisorException OtherKind(RequestId request, string before, string now) =>
        new($"The request {request} was '{before}' before and cannot be '{now}' now. A request id stands for one effect.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);

    private readonly record struct Running(Operation Operation, string Kind, string MachineId);
}
