namespace Hypervisor.Sdk.Transport;

/// <summary>
/// Notices that a thread has been inside a piece of work for a twentieth of a second or more, at the cost of two increments for the thread: what makes it safe to run callers where they
/// may block. A timer ticks only while there is work. It watches threads, not a protocol's time: its clock is always the system's.
/// </summary>
/// <param name="onStall">Called on a thread of the pool, again and again, while somebody is inside and nobody comes out. May come once too often, never too seldom. Must not throw.</param>
public sealed class StallWatch(Action onStall) : IDisposable
{
    private const int QuietTicks = 3;
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(50);

    private ITimer? _timer;
    private int _inside;
    private int _left;
    private int _leftBefore;
    private int _quiet;
    private int _ticking;

    /// <summary>The calling thread begins.</summary>
    public void Enter()
    {
        Interlocked.Increment(ref _inside);
        if (Volatile.Read(ref _ticking) == 0)
            Tick();
    }

    /// <summary>It is done.</summary>
    public void Leave()
    {
        Interlocked.Increment(ref _left);
        Interlocked.Decrement(ref _inside);
    }

    /// <summary>Stops the timer.</summary>
    public void Dispose() => _timer?.Dispose();

    private void Tick()
    {
        if (Interlocked.Exchange(ref _ticking, 1) != 0)
            return;
        _quiet = 0;
        _timer ??= TimeProvider.System.CreateTimer(static state => ((StallWatch)state!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(s_period, s_period);
    }

    private void Look()
    {
        int left = Volatile.Read(ref _left);
        bool isStalled = Volatile.Read(ref _inside) > 0 && left == _leftBefore;
        bool isQuiet = Volatile.Read(ref _inside) == 0 && left == _leftBefore;
        _leftBefore = left;
        if (isStalled)
            onStall();
        _quiet = isQuiet ? _quiet + 1 : 0;
        if (_quiet < QuietTicks)
            return;

        _timer!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Volatile.Write(ref _ticking, 0);
        // Somebody may have come in between, and seen the timer still ticking.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _inside) > 0)
            Tick();
    }
}
