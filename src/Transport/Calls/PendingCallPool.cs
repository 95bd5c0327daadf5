namespace Hypervisor.Sdk.Transport.Calls;

/// <summary>Calls to use again, of one kind: a call in steady state allocates nothing.</summary>
/// <typeparam name="TCall">The kind.</typeparam>
/// <param name="maxCalls">How many are kept; what comes back beyond that is left to the collector.</param>
public sealed class PendingCallPool<TCall>(int maxCalls)
    where TCall : PendingCall, new()
{
    private readonly Lock _gate = new();
    private PendingCall? _top;
    private int _count;

    /// <summary>Takes one out, or makes one.</summary>
    public TCall Rent()
    {
        lock (_gate)
        {
            if (_top is { } call)
            {
                _top = call.Next;
                _count--;
                return (TCall)call;
            }
        }

        return new TCall();
    }

    /// <summary>Puts one back that nobody holds any more.</summary>
    public void Return(TCall call)
    {
        lock (_gate)
        {
            if (_count == maxCalls)
                return;
            _count++;
            call.Next = _top;
            _top = call;
        }
    }
}
