using System.Security.Cryptography;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>
/// Which call has which id. Ids are short, because QEMU reads a monitor byte by byte, and are not used again at once, so that a second reply to the same id is noticed. The session's lock guards it.
/// </summary>
internal sealed class QmpPendingTable(int maxCalls)
{
    private const int Turns = 16;
    private const int FirstSlots = 16;

    private QmpPendingCall?[] _slots = new QmpPendingCall?[Math.Min(maxCalls, FirstSlots)];
    private byte[] _turns = RandomNumberGenerator.GetBytes(Math.Min(maxCalls, FirstSlots));
    private int[] _free = Enumerable.Range(0, Math.Min(maxCalls, FirstSlots)).Reverse().ToArray();
    private int _freeCount = Math.Min(maxCalls, FirstSlots);

    public int Count => _slots.Length - _freeCount;

    /// <summary>Gives the call an id; false when too many are in flight.</summary>
    public bool TryAdd(QmpPendingCall call)
    {
        if (_freeCount == 0 && !Grow())
            return false;
        int slot = _free[--_freeCount];
        _slots[slot] = call;
        call.Id = (slot * Turns) + (++_turns[slot] % Turns);
        return true;
    }

    /// <summary>The call with this id, or null when there is none.</summary>
    public QmpPendingCall? Find(long id)
    {
        long slot = id / Turns;
        return id >= 0 && slot < _slots.Length && _slots[slot] is { } call && call.Id == id ? call : null;
    }

    /// <summary>Takes the call with this id out, or null when there is none.</summary>
    public QmpPendingCall? Remove(long id)
    {
        if (Find(id) is not { } call)
            return null;
        int slot = call.Id / Turns;
        _slots[slot] = null;
        _free[_freeCount++] = slot;
        return call;
    }

    /// <summary>Every call in flight, oldest or not.</summary>
    public IEnumerable<QmpPendingCall> All => _slots.Where(call => call is not null)!;

    private bool Grow()
    {
        int old = _slots.Length;
        int size = Math.Min(old * 2, maxCalls);
        if (size <= old)
            return false;
        Array.Resize(ref _slots, size);
        Array.Resize(ref _turns, size);
        Array.Resize(ref _free, size);
        for (int slot = size - 1; slot >= old; slot--)
            _free[_freeCount++] = slot;
        return true;
    }
}
