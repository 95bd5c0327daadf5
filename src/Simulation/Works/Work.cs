using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Works;

/// <summary>A piece of work of the backend, running or done: what an operation looks at, and what the request log remembers. Belongs to the loop.</summary>
internal class Work(World world, long number, RequestId requestId, string kind)
{
    private Action? _continuation;
    private LoopTimer? _pause;
    private LoopTimer? _deadline;
    private HypervisorException? _interruption;
    private List<TaskCompletionSource>? _watchers;

    public World World { get; } = world;

    public long Number { get; } = number;

    public RequestId RequestId { get; } = requestId;

    public string Kind { get; } = kind;

    public SimInstance? Instance { get; set; }

    /// <summary>The id of the instance at the time: it may have gone since.</summary>
    public InstanceId? InstanceId { get; set; }

    public VolumeId? VolumeId { get; set; }

    /// <summary>Another node that it needs: the one to which an instance moves.</summary>
    public SimNode? OtherNode { get; set; }

    public bool CanCancel { get; set; }

    /// <summary>Whether the time that it takes now ends when the guest has shut down.</summary>
    public bool AwaitsShutdown { get; set; }

    public OperationState State { get; private set; } = OperationState.Running;

    public double? Fraction { get; private set; }

    public string? Stage { get; private set; }

    public HypervisorException? Error { get; private set; }

    /// <summary>Grows with each moment.</summary>
    public int Moment { get; private set; }

    public bool IsRunning => State == OperationState.Running;

    public OperationToken Token => World.TokenOf(Number);

    public OperationProgress Progress => new() { State = State, Fraction = Fraction, Stage = IsRunning ? Stage : null, Error = Error };

    /// <summary>Takes its time, and says what it is doing meanwhile. Throws when it is interrupted.</summary>
    public Pause Take(TimeSpan time, string stage, double? fraction = null)
    {
        Say(stage, fraction);
        return new Pause(this, time);
    }

    public void Say(string stage, double? fraction = null)
    {
        if (Stage == stage && Fraction == fraction)
            return;
        Stage = stage;
        Fraction = fraction;
        Tell();
    }

    /// <summary>Ends it with an error where it next takes its time, which is now when it is doing so.</summary>
    public void Interrupt(HypervisorException error)
    {
        if (!IsRunning || _interruption is not null)
            return;
        _interruption = error;
        Wake();
    }

    /// <summary>Ends the time that it takes now: what it waited for has come.</summary>
    public void Wake()
    {
        if (_continuation is not { } continuation)
            return;
        SimulationLoop.Disarm(_pause!);
        _continuation = null;
        World.Loop.Schedule(TimeSpan.Zero, static state => ((Action)state!)(), continuation);
    }

    public void SetDeadline(TimeSpan time) => _deadline = World.Loop.Schedule(time, static state => ((Work)state!).Expire(), this);

    public void End(OperationState state, HypervisorException? error)
    {
        if (_deadline is not null)
            SimulationLoop.Disarm(_deadline);
        State = state;
        Error = error;
        Fraction = state == OperationState.Succeeded ? 1 : Fraction;
        Tell();
    }

    /// <summary>Waits until it has another moment than the one that was seen. Within the loop.</summary>
    public async Task ChangedAsync(int seen, CancellationToken cancellationToken)
    {
        if (Moment != seen || !IsRunning)
            return;
        var changed = new TaskCompletionSource();
        (_watchers ??= []).Add(changed);
        await WaitAsync(changed, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until it has ended. Within the loop.</summary>
    public async Task EndedAsync(CancellationToken cancellationToken)
    {
        while (IsRunning)
            await ChangedAsync(Moment, cancellationToken).ConfigureAwait(false);
    }

    private async Task WaitAsync(TaskCompletionSource source, CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister((_, token) => World.Loop.Post(() => source.TrySetCanceled(token)), null);
        await using (registration.ConfigureAwait(false))
            await source.Task.ConfigureAwait(false);
    }

    private void Expire() => Interrupt(World.Error(ErrorCode.Timeout, RequestOutcome.FailedMidway, $"The work '{Kind}' did not finish before its deadline.", InstanceId?.ToString()));

    private void Tell()
    {
        Moment++;
        if (_watchers is not { Count: > 0 } watchers)
            return;
        _watchers = null;
        foreach (var watcher in watchers)
            watcher.TrySetResult();
    }

    /// <summary>What <see cref="Take"/> returns, to be awaited.</summary>
    internal readonly struct Pause(Work work, TimeSpan time) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => time <= TimeSpan.Zero || work._interruption is not null;

        public Pause GetAwaiter() => this;

        public void GetResult()
        {
            if (work._interruption is { } error)
                throw error;
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation)
        {
            work._continuation = continuation;
            work._pause = work.World.Loop.Schedule(time, static state => ((Work)state!).Resume(), work);
        }
    }

    private void Resume()
    {
        var continuation = _continuation;
        _continuation = null;
        continuation?.Invoke();
    }
}

/// <summary>A piece of work with a result.</summary>
/// <typeparam name="T">What it makes or changes.</typeparam>
internal sealed class Work<T>(World world, long number, RequestId requestId, string kind) : Work(world, number, requestId, kind)
{
    public T? Result { get; set; }
}
