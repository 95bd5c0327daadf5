using System.Globalization;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Works;

/// <summary>
/// Begins work: looks whether the request was seen before, waits for the instance or refuses, checks what the caller compares, notes the beginning, runs the work, notes the end. Belongs to the loop.
/// </summary>
internal sealed class WorkEngine(World world)
{
    private readonly Dictionary<RequestId, Work> _byRequest = [];
    private readonly Dictionary<long, Work> _byNumber = [];
    private readonly Queue<Work> _kept = [];
    private readonly Dictionary<RequestId, long> _requestNames = [];
    private long _last;
    private DateTimeOffset? _forgottenUntil;

    /// <summary>How many are under way.</summary>
    public int Running { get; private set; }

    public Work? Find(RequestId request) => _byRequest.GetValueOrDefault(request);

    public Work? Find(long number) => _byNumber.GetValueOrDefault(number);

    /// <summary>Whether a request could have been forgotten: it is older than what was.</summary>
    public bool MayHaveForgotten(RequestId request) => _forgottenUntil is { } until && TimeOf(request) is { } made && made <= until;

    /// <summary>Every piece of work that is under way.</summary>
    public IEnumerable<Work> AllRunning() => _kept.Where(static work => work.IsRunning);

    /// <summary>How the trace calls a request: what callers make up differs from run to run, the order does not.</summary>
    public string NameOf(RequestId? request)
    {
        if (request is not { } id)
            return "-";
        if (!_requestNames.TryGetValue(id, out long name))
            _requestNames.Add(id, name = _requestNames.Count + 1);
        return string.Create(CultureInfo.InvariantCulture, $"r{name}");
    }

    /// <summary>Begins work on an instance that there is. Within the loop.</summary>
    /// <param name="kind">A word of <see cref="WorkKinds"/>.</param>
    /// <param name="id">The instance.</param>
    /// <param name="role">What it has to be; any when null.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="accept">Looks whether it can be done, and refuses by throwing.</param>
    /// <param name="run">Does it.</param>
    /// <param name="canCancel">Whether it can be cancelled.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    public async Task<Operation<T>> BeginAsync<T>(
        string kind, InstanceId id, InstanceKind? role, RequestOptions? request, Action<SimInstance> accept, Func<Work<T>, SimInstance, Task<T>> run, bool canCancel = false, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var requestId = request?.RequestId ?? NewRequestId();
        if (Repeated<T>(requestId, kind) is { } again)
            return again;
        var instance = world.Require(id, role);
        var deadline = request?.Deadline ?? world.Options.DefaultDeadline;
        bool isHeld = await HoldAsync(instance, deadline, cancellationToken, kind).ConfigureAwait(false);
        if (Repeated<T>(requestId, kind) is { } meanwhile)
        {
            if (isHeld)
                Release(instance);
            return meanwhile;
        }

        try
        {
            if (instance.IsDeleted)
                throw world.Refused(ErrorCode.NotFound, $"There is no instance '{id}'.", id.ToString());
            CheckExpectations(instance, request);
            if (isHeld)
                accept(instance);
        }
        catch
        {
            if (isHeld)
                Release(instance);
            throw;
        }

        var work = New<T>(kind, requestId);
        work.CanCancel = canCancel;
        work.Instance = instance;
        work.InstanceId = id;
        if (isHeld)
            instance.Holder = work;
        if (request?.FencingToken is { } token)
            instance.HighestFencingToken = Math.Max(instance.HighestFencingToken, token);
        return Start(work, request, () => isHeld ? run(work, instance) : throw Locked(instance), () =>
        {
            if (isHeld)
                Release(instance);
        });
    }

    /// <summary>Begins work that makes something new, or is about no instance. Within the loop.</summary>
    public Operation<T> Begin<T>(string kind, RequestOptions? request, RequestId requestId, Action<Work<T>> prepare, Func<Work<T>, Task<T>> run, bool canCancel = false, Action? ended = null)
    {
        var work = New<T>(kind, requestId);
        work.CanCancel = canCancel;
        prepare(work);
        return Start(work, request, () => run(work), ended);
    }

    /// <summary>The operation of a request that was seen before; null when it is new, or when what it was to make was not made.</summary>
    public Operation<T>? Repeated<T>(RequestId request, string kind)
    {
        if (!_byRequest.TryGetValue(request, out var seen))
            return null;
        if (seen.Kind != kind || seen is not Work<T> work)
            throw world.Refused(ErrorCode.InvalidArgument, $"The request {request} was '{seen.Kind}' before and cannot be '{kind}' now. A request id stands for one effect.");
        bool makes = kind is WorkKinds.Create or WorkKinds.Clone or WorkKinds.CreateVolume or WorkKinds.CloneVolume or WorkKinds.UploadVolume;
        if (makes && seen is { IsRunning: false, Error: not null })
            return null;
        if (makes && !seen.IsRunning && seen.Instance is { IsDeleted: true })
            throw world.Refused(ErrorCode.Conflict, $"The request {request} made '{seen.InstanceId}', which was deleted since. Ask with a new request id for a new one.", seen.InstanceId?.ToString());
        return new SimulatedOperation<T>(work);
    }

    /// <summary>A request id of ours, for a caller that has none: made from the seed.</summary>
    public RequestId NewRequestId()
    {
        Span<byte> bytes = stackalloc byte[16];
        world.Random("request").NextGuid().TryWriteBytes(bytes, bigEndian: true, out _);
        long milliseconds = world.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        // Version 7 (RFC 9562, 5.7): the time comes first.
        for (int i = 5; i >= 0; i--, milliseconds >>= 8)
            bytes[i] = (byte)milliseconds;
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x70);
        return RequestId.FromGuid(new Guid(bytes, bigEndian: true));
    }

    /// <summary>Takes an instance for work, alone or beside others that share it; false when the work is accepted only to fail.</summary>
    public async Task<bool> HoldAsync(SimInstance instance, TimeSpan patience, CancellationToken cancellationToken, string kind = "", bool isShared = false)
    {
        if (instance.Waiting is not { Count: > 0 } && IsFree(instance, isShared))
        {
            Take(instance, isShared);
            return true;
        }

        if (world.Personality.Locking == SimulatedLocking.FailsLater && !world.Personality.RefusedWhileLocked.Contains(kind))
            return false;
        if (world.Personality.Locking is SimulatedLocking.Refuses or SimulatedLocking.FailsLater)
            throw Locked(instance);
        var waiter = new LockWaiter { IsShared = isShared };
        (instance.Waiting ??= []).Enqueue(waiter);
        var timer = world.Loop.Schedule(patience, static state => ((LockWaiter)state!).Turn.TrySetResult(false), waiter);
        var registration = cancellationToken.UnsafeRegister((_, token) => world.Loop.Post(() => waiter.Turn.TrySetCanceled(token)), null);
        try
        {
            if (!await waiter.Turn.Task.ConfigureAwait(false))
                throw world.Error(ErrorCode.Locked, RequestOutcome.NotSent, $"'{instance.Name}' is being changed by somebody else; it was not free within {patience.TotalSeconds:0.#} s.", instance.Text);
        }
        finally
        {
            registration.Unregister();
            SimulationLoop.Disarm(timer);
            // Who has lost his patience may have kept those behind him waiting.
            Admit(instance);
        }

        return true;
    }

    /// <summary>Ends work on somebody's wish.</summary>
    public bool Cancel(Work work)
    {
        if (!work.IsRunning || !work.CanCancel)
            return false;
        world.Note("cancel", work.InstanceId?.ToString() ?? "", string.Create(CultureInfo.InvariantCulture, $"op={work.Number}"));
        work.Interrupt(world.Error(ErrorCode.Cancelled, RequestOutcome.FailedMidway, $"The work '{work.Kind}' was cancelled.", work.InstanceId?.ToString()));
        return true;
    }

    /// <summary>Lets the next ones have an instance.</summary>
    public void Release(SimInstance instance, bool isShared = false)
    {
        Give(instance, isShared);
        Admit(instance);
    }

    private static bool IsFree(SimInstance instance, bool isShared) => instance.Holder is null && (isShared || instance.Sharers == 0);

    private void Take(SimInstance instance, bool isShared)
    {
        if (isShared)
            instance.Sharers++;
        else
            instance.Holder = Reserved;
    }

    private static void Give(SimInstance instance, bool isShared)
    {
        if (isShared)
            instance.Sharers--;
        else
            instance.Holder = null;
    }

    // In the order of their coming: who wants it alone is not overtaken by those who share it.
    private void Admit(SimInstance instance)
    {
        while (instance.Waiting is { } waiting && waiting.TryPeek(out var next) && (next.Turn.Task.IsCompleted || IsFree(instance, next.IsShared)))
        {
            waiting.Dequeue();
            if (next.Turn.Task.IsCompleted)
                continue;
            Take(instance, next.IsShared);
            next.Turn.SetResult(true);
        }
    }

    /// <summary>Stands for a holder that is about to begin.</summary>
    private Work Reserved => field ??= new Work(world, 0, default, "");

    private Work<T> New<T>(string kind, RequestId request)
    {
        var work = new Work<T>(world, ++_last, request, kind);
        _byRequest[request] = work;
        _byNumber.Add(work.Number, work);
        _kept.Enqueue(work);
        // What still runs is never forgotten.
        while (_kept.Count > world.Options.KeptRequests && !_kept.Peek().IsRunning)
            Forget(_kept.Dequeue());
        return work;
    }

    private void Forget(Work work)
    {
        _byNumber.Remove(work.Number);
        _requestNames.Remove(work.RequestId);
        if (_byRequest.TryGetValue(work.RequestId, out var known) && known == work)
            _byRequest.Remove(work.RequestId);
        if (TimeOf(work.RequestId) is { } made && (_forgottenUntil is null || made > _forgottenUntil))
            _forgottenUntil = made;
    }

    private SimulatedOperation<T> Start<T>(Work<T> work, RequestOptions? request, Func<Task<T>> run, Action? ended)
    {
        world.Note("begin", work.InstanceId?.ToString() ?? work.VolumeId?.ToString() ?? "", string.Create(CultureInfo.InvariantCulture, $"{work.Kind} op={work.Number}"));
        Running++;
        work.SetDeadline(request?.Deadline ?? world.Options.DefaultDeadline);
        _ = RunAsync(work, run, ended);
        return new SimulatedOperation<T>(work);
    }

    private async Task RunAsync<T>(Work<T> work, Func<Task<T>> run, Action? ended)
    {
        HypervisorException? failure = null;
        try
        {
            work.Result = await run().ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            failure = error;
        }

        Running--;
        var state = failure is null ? OperationState.Succeeded : failure.Code == ErrorCode.Cancelled ? OperationState.Cancelled : OperationState.Failed;
        string subject = work.InstanceId?.ToString() ?? work.VolumeId?.ToString() ?? "";
        world.Note("end", subject, string.Create(CultureInfo.InvariantCulture, $"{work.Kind} op={work.Number} {(failure is null ? "ok" : failure.Code.ToString())}"));
        ended?.Invoke();
        work.End(state, failure);
    }

    /// <summary>Refuses what the caller compares and is no longer so.</summary>
    public void CheckExpectations(SimInstance instance, RequestOptions? request)
    {
        if (request?.IfRevision is { } revision && revision != World.RevisionOf(instance.Revision))
            throw Conflict(instance, $"its configuration is at revision {instance.Revision}, not {revision}");
        if (request?.IfIncarnation is { } incarnation && incarnation != instance.Incarnation)
            throw Conflict(instance, $"it is the incarnation {instance.Incarnation}, not {incarnation}");
        if (request?.FencingToken is { } token && instance.HighestFencingToken > token)
            throw Conflict(instance, $"a lock with the token {instance.HighestFencingToken} has been seen, which is newer than {token}");
    }

    private HypervisorException Conflict(SimInstance instance, string why) => world.Refused(ErrorCode.Conflict, $"'{instance.Name}' was not changed: {why}.", instance.Text);

    private HypervisorException Locked(SimInstance instance) =>
        world.Error(ErrorCode.Locked, RequestOutcome.Rejected, $"'{instance.Name}' is being {(instance.Sharers > 0 ? "cloned" : "changed")}: '{KindAt(instance)}' is under way. Try again when it has ended.", instance.Text, about: KindAt(instance));

    // Clones alone share.
    private static string? KindAt(SimInstance instance) => instance.Sharers > 0 ? WorkKinds.Clone : instance.Holder?.Kind;

    private static DateTimeOffset? TimeOf(RequestId request)
    {
        Span<byte> bytes = stackalloc byte[16];
        request.ToGuid().TryWriteBytes(bytes, bigEndian: true, out _);
        if (bytes[6] >> 4 != 7)
            return null;
        long milliseconds = 0;
        for (int i = 0; i < 6; i++)
            milliseconds = (milliseconds << 8) | bytes[i];
        return DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, 253402300799999));
    }
}
