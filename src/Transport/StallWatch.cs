namespace Hypervisor.Sdk.Transport;

/// <summary>
/// Notices that a thread has been inside a piece of work for a twentieth of a second or more, at the cost of two increments for the thread: what makes it safe to run callers where they
/// may block. It watches threads, not a protocol's time: its clock is always the system's.
/// </summary>
/// <param name="onStall">Called on a thread of the pool, again and again, while somebody is inside and nobody comes out. May come once too often, never too seldom. Must not throw.</param>
public sealed class StallWatch(Action onStall) : IThreadPoolWorkItem
{
    private const int PeriodMs = 50;
    private const int QuietLooks = 3;

    // One thread looks after all watches that have work, and sleeps while none has: made once, so that work that comes and goes allocates nothing. A timer would wake a thread of the pool for each look, which then spins
    // for more work.
    private static readonly object s_gate = new();
    private static readonly List<StallWatch> s_active = [];
    private static bool s_isStarted;

    private int _inside;
    private int _left;
    private int _leftBefore;
    private int _quietLooks;
    private int _isActive;

    /// <summary>The calling thread begins.</summary>
    public void Enter()
    {
        Interlocked.Increment(ref _inside);
        if (Volatile.Read(ref _isActive) == 0)
            Activate();
    }

    /// <summary>It is done.</summary>
    public void Leave()
    {
        Interlocked.Increment(ref _left);
        Interlocked.Decrement(ref _inside);
    }

    void IThreadPoolWorkItem.Execute() => onStall();

    private static void LookAfterAll()
    {
        lock (s_gate)
        {
            while (true)
            {
                while (s_active.Count == 0)
                    Monitor.Wait(s_gate);
                Monitor.Wait(s_gate, PeriodMs);
                s_active.RemoveAll(static watch => watch.IsQuietNow());
            }
        }
    }

    private void Activate()
    {
        lock (s_gate)
        {
            if (_isActive != 0)
                return;
            _isActive = 1;
            _quietLooks = 0;
            s_active.Add(this);
            if (s_isStarted)
            {
                if (s_active.Count == 1)
                    Monitor.Pulse(s_gate);
                return;
            }

            s_isStarted = true;
        }

        new Thread(LookAfterAll) { IsBackground = true, Name = "stall watch" }.UnsafeStart();
    }

    /// <summary>One look; true when there has been no work for a while and nobody need look again. Under the gate.</summary>
    private bool IsQuietNow()
    {
        int left = Volatile.Read(ref _left);
        bool isInside = Volatile.Read(ref _inside) > 0;
        bool hasMoved = left != _leftBefore;
        _leftBefore = left;
        if (isInside && !hasMoved)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        _quietLooks = isInside || hasMoved ? 0 : _quietLooks + 1;
        if (_quietLooks < QuietLooks)
            return false;

        Volatile.Write(ref _isActive, 0);
        // Somebody may have come in between and seen the watch still active.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _inside) == 0)
            return true;
        _isActive = 1;
        return false;
    }
}
