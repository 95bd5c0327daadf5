namespace Hypervisor.Sdk.DiskImages;

/// <summary>Which parts of a request were answered: a server answers in pieces of any order, but each byte once (doc/proto.md, "Structured reply chunk message").</summary>
internal sealed class NbdPieces
{
    /// <summary>How many stretches that do not touch are kept track of. Servers answer in order, which is one.</summary>
    private const int MaxStretches = 4096;

    private readonly List<(int From, int To)> _stretches = [];

    /// <summary>How many bytes were answered.</summary>
    public long Bytes { get; private set; }

    public void Clear()
    {
        _stretches.Clear();
        Bytes = 0;
    }

    /// <summary>Notes a piece.</summary>
    /// <returns>False when some of it was answered before, or there are too many.</returns>
    public bool TryAdd(int from, int length)
    {
        int to = from + length, at = _stretches.Count;
        while (at > 0 && _stretches[at - 1].From > from)
            at--;
        var (below, above) = (at > 0 ? _stretches[at - 1] : (-1, -1), at < _stretches.Count ? _stretches[at] : (int.MaxValue, int.MaxValue));
        if (below.Item2 > from || above.Item1 < to || _stretches.Count == MaxStretches)
            return false;
        Bytes += length;
        if (below.Item2 == from && above.Item1 == to)
        {
            _stretches[at - 1] = (below.Item1, above.Item2);
            _stretches.RemoveAt(at);
        }
        else if (below.Item2 == from)
        {
            _stretches[at - 1] = (below.Item1, to);
        }
        else if (above.Item1 == to)
        {
            _stretches[at] = (from, above.Item2);
        }
        else
        {
            _stretches.Insert(at, (from, to));
        }

        return true;
    }
}
