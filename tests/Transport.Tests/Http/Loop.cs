using System.Threading.Tasks.Sources;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>Does work when it is told to: one async method that does not end between, so that beginning and ending it is no part of what is measured.</summary>
internal sealed class Loop : IValueTaskSource<int>
{
    private readonly ManualResetEventSlim _done = new();
    private readonly Task _running;
    private ManualResetValueTaskSourceCore<int> _go = new() { RunContinuationsAsynchronously = true };

    /// <summary>The work asks for its next share by <see cref="NextAsync"/> until that is 0, and says <see cref="Done"/> after each.</summary>
    public Loop(Func<Loop, Task> work) => _running = work(this);

    public void Go(int count)
    {
        _done.Reset();
        _go.SetResult(count);
    }

    public ValueTask<int> NextAsync() => new(this, _go.Version);

    public void Done() => _done.Set();

    /// <summary>Blocks the test's thread, which takes no part: waiting asynchronously would allocate.</summary>
    public void WaitUntilDone()
    {
        while (!_done.Wait(100, CancellationToken.None))
        {
            if (_running.IsCompleted)
                throw new InvalidOperationException("The loop has ended.", _running.Exception);
        }
    }

    public Task EndAsync()
    {
        Go(0);
        return _running;
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        int count = _go.GetResult(token);
        _go.Reset();
        return count;
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _go.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _go.OnCompleted(continuation, state, token, flags);
}
