using System.Runtime.ExceptionServices;

namespace Hypervisor.Sdk.Simulation.Time;

/// <summary>
/// The one place where anything happens: a queue of what came from outside, in the order in which it came, and a queue of what is due, by time and then by the order in which it was scheduled. Whoever brings work while
/// nobody is in it carries the work out on his own thread; everybody else leaves it in the queue. So there is no thread of its own, and never two at a time.
/// </summary>
internal sealed class SimulationLoop
{
    private readonly object _gate = new();
    private readonly Queue<(SendOrPostCallback Callback, object? State, bool InContext)> _inbox = [];
    private readonly PriorityQueue<(LoopTimer Timer, int Arming), (long Due, long Sequence)> _due = new();
    private readonly LoopContext _context;
    private bool _isRunning;
    private int _owner;
    private long _nowTicks;
    private long _horizonTicks;
    private long _sequence;
    private int _demands;
    private int _nudges;
    private int _visits;
    private ExceptionDispatchInfo? _failure;

    public SimulationLoop() => _context = new LoopContext(this);

    /// <summary>Whether the calling code runs within the loop.</summary>
    public bool IsCurrent => Volatile.Read(ref _owner) == Environment.CurrentManagedThreadId;

    /// <summary>Ticks (100 ns) since the simulation began.</summary>
    public long NowTicks => Volatile.Read(ref _nowTicks);

    /// <summary>Whether something is due now. Within the loop only.</summary>
    public bool HasDue => NextDueTicks() <= _nowTicks;

    /// <summary>How far real time has come, for a simulation that follows it; null for one whose time moves in steps.</summary>
    public Func<long>? RealTime { get; set; }

    /// <summary>Is told, when everything that is due has been done, when the next thing will be (in ticks; <see cref="long.MaxValue"/> for nothing).</summary>
    public Action<long>? Idle { get; set; }

    /// <summary>Runs something within the loop and hands back what it returned: at once where nobody else is in it.</summary>
    /// <remarks>A task for a caller outside runs his continuations elsewhere, so that his code never becomes part of the loop; a task for a caller within runs them in place.</remarks>
    public Task<T> EnterAsync<T>(Func<Task<T>> body)
    {
        if (IsCurrent)
            return Within(body);
        var entry = new Entry<T>(body);
        if (TryOwn(entry))
        {
            if (RealTime is not null)
                FollowRealTime();
            entry.Run();
            Drain();
        }

        return entry.Task;
    }

    /// <summary>Runs something within another loop, and goes on within this one. Within the loop only.</summary>
    /// <remarks>Time does not move on by itself meanwhile: however long another thread keeps the other loop, nobody's deadline passes here.</remarks>
    public Task<T> VisitAsync<T>(SimulationLoop other, Func<T> body)
    {
        var visit = other.EnterAsync(() => Task.FromResult(body()));
        if (visit.IsCompleted)
            return visit;
        var back = new TaskCompletionSource<T>();
        _visits++;
        _ = visit.ContinueWith(ended => Post(() => Return(ended)), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return back.Task;

        void Return(Task<T> ended)
        {
            _visits--;
            back.TrySetFromTask(ended);
        }
    }

    /// <summary>Runs something within the loop: at once, or after what is running.</summary>
    public void Post(Action body)
    {
        if (IsCurrent)
            Isolated(static state => ((Action)state!)(), body);
        else
            Enqueue(static state => ((Action)state!)(), body, inContext: false);
    }

    /// <summary>Runs something within the loop, with its context, after what is running.</summary>
    public void PostToContext(SendOrPostCallback callback, object? state) => Enqueue(callback, state, inContext: true);

    /// <summary>Arms a timer, in place of what it was armed for. Within the loop only.</summary>
    public void Arm(LoopTimer timer, long dueTicks)
    {
        timer.Arming++;
        timer.IsArmed = true;
        _due.Enqueue((timer, timer.Arming), (Math.Max(dueTicks, _nowTicks), ++_sequence));
    }

    /// <summary>Schedules something once. Within the loop only.</summary>
    public LoopTimer Schedule(TimeSpan delay, Action<object?> callback, object? state = null)
    {
        var timer = new LoopTimer(callback, state);
        Arm(timer, _nowTicks + Math.Max(0, delay.Ticks));
        return timer;
    }

    /// <summary>Disarms a timer. Within the loop only.</summary>
    public static void Disarm(LoopTimer timer)
    {
        timer.Arming++;
        timer.IsArmed = false;
    }

    /// <summary>Lets time move on by itself whenever nothing else is to be done, until it is taken back. Within the loop only.</summary>
    public void Demand() => _demands++;

    /// <summary>Takes one <see cref="Demand"/> back. Within the loop only.</summary>
    public void Undemand() => _demands--;

    /// <summary>Lets time move on to the next thing that is due, once nothing else is to be done. Within the loop only.</summary>
    public void Nudge() => _nudges = 1;

    /// <summary>Moves time to a moment, doing on the way what becomes due. Waits while another thread is within the loop.</summary>
    /// <exception cref="InvalidOperationException">Called from within the loop, where time moves by itself.</exception>
    public void AdvanceTo(long ticks)
    {
        if (IsCurrent)
            throw new InvalidOperationException("Time moves by itself for code that runs within the simulation: await a delay of the clock's instead of advancing it.");
        lock (_gate)
        {
            while (_isRunning)
                Monitor.Wait(_gate);
            Own();
        }

        _horizonTicks = Math.Max(_horizonTicks, ticks);
        Drain();
        ThrowFailure();
    }

    /// <summary>Does what has become due in real time.</summary>
    public void CatchUp() => Enqueue(static loop => ((SimulationLoop)loop!).FollowRealTime(), this, inContext: false);

    /// <summary>Runs something of the code under test now, with the loop's context.</summary>
    public void InContext(Action body) => Execute(static state => ((Action)state!)(), body, _context);

    /// <summary>Throws what escaped from code that nobody waits for, once.</summary>
    public void ThrowFailure() => Interlocked.Exchange(ref _failure, null)?.Throw();

    private void FollowRealTime() => _horizonTicks = Math.Max(_horizonTicks, RealTime!());

    private void Enqueue(SendOrPostCallback callback, object? state, bool inContext)
    {
        lock (_gate)
        {
            _inbox.Enqueue((callback, state, inContext));
            if (_isRunning)
                return;
            Own();
        }

        Drain();
    }

    private bool TryOwn<T>(Entry<T> entry)
    {
        lock (_gate)
        {
            if (_isRunning)
            {
                _inbox.Enqueue((static state => ((Entry<T>)state!).Run(), entry, false));
                return false;
            }

            Own();
            entry.IsOwner = true;
            return true;
        }
    }

    private void Own()
    {
        _isRunning = true;
        Volatile.Write(ref _owner, Environment.CurrentManagedThreadId);
    }

    private void Drain()
    {
        while (true)
        {
            while (TryTake(out var item))
                Execute(item.Callback, item.State, item.InContext ? _context : null);
            if (TryTakeDue(out var timer))
            {
                timer.IsArmed = false;
                Execute(static state => ((LoopTimer)state!).Fire(), timer, null);
                continue;
            }

            Idle?.Invoke(NextDueTicks());
            lock (_gate)
            {
                if (_inbox.Count > 0)
                    continue;
                _isRunning = false;
                Volatile.Write(ref _owner, 0);
                Monitor.PulseAll(_gate);
                return;
            }
        }
    }

    private bool TryTake(out (SendOrPostCallback Callback, object? State, bool InContext) item)
    {
        lock (_gate)
            return _inbox.TryDequeue(out item);
    }

    private bool TryTakeDue(out LoopTimer timer)
    {
        long next = NextDueTicks();
        if (next != long.MaxValue && (next <= _nowTicks || next <= _horizonTicks || ((_demands > 0 || _nudges > 0) && _visits == 0 && RealTime is null)))
        {
            if (next > _nowTicks && next > _horizonTicks && _demands == 0)
                _nudges = 0;
            Volatile.Write(ref _nowTicks, Math.Max(_nowTicks, next));
            timer = _due.Dequeue().Timer;
            return true;
        }

        if (_horizonTicks > _nowTicks)
            Volatile.Write(ref _nowTicks, _horizonTicks);
        timer = null!;
        return false;
    }

    private long NextDueTicks()
    {
        while (_due.TryPeek(out var entry, out var priority))
        {
            if (entry.Timer.IsArmed && entry.Timer.Arming == entry.Arming)
                return priority.Due;
            _due.Dequeue();
        }

        return long.MaxValue;
    }

    private void Execute(SendOrPostCallback callback, object? state, SynchronizationContext? context)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            callback(state);
        }
        catch (Exception error)
        {
            // Code that nobody waits for (an async void, a timer's callback): whoever moves time or runs code next is told.
            _failure ??= ExceptionDispatchInfo.Capture(error);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>Without the context, so that what is completed here continues in place, also behind <c>ConfigureAwait(false)</c>.</summary>
    private static void Isolated(SendOrPostCallback body, object? state)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            body(state);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private static Task<T> Within<T>(Func<Task<T>> body)
    {
        var before = SynchronizationContext.Current;
        if (before is null)
            return body();
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return body();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>A call from outside.</summary>
    private sealed class Entry<T>(Func<Task<T>> body)
    {
        private TaskCompletionSource<T>? _later;
        private Task<T>? _now;

        /// <summary>Whether its caller is in the loop himself, and no task is needed for what completes at once.</summary>
        public bool IsOwner { get; set; }

        public Task<T> Task => _now ?? Later.Task;

        private TaskCompletionSource<T> Later => LazyInitializer.EnsureInitialized(ref _later, static () => new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously))!;

        public void Run()
        {
            Task<T> task;
            try
            {
                task = Within(body);
            }
            catch (Exception error)
            {
                task = System.Threading.Tasks.Task.FromException<T>(error);
            }

            if (IsOwner && task.IsCompleted)
                _now = task;
            else
                _ = ForwardAsync(task);
        }

        private async Task ForwardAsync(Task<T> task)
        {
            try
            {
                Later.TrySetResult(await task.ConfigureAwait(false));
            }
            catch (Exception error)
            {
                Later.TrySetException(error);
            }
        }
    }
}
