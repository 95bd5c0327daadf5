namespace Hypervisor.Sdk.Simulation.Backup;

/// <summary>
/// What is on a simulated disk at a moment, block by block, without keeping any of it: the guest's writes go over the disk in an order that is drawn once, again and again, so that how often it has written says which blocks
/// were written when, and a block's bytes follow from its number and the write that it has from.
/// </summary>
internal sealed class DiskHistory
{
    public const int BlockBytes = 64 << 10;

    private readonly ulong _seed;
    private readonly long _blocks;
    private readonly long _step;
    private readonly long _stepInverse;
    private readonly long _shift;

    /// <param name="seed">The disk's own.</param>
    /// <param name="sizeBytes">As the guest sees it.</param>
    /// <param name="imageBytes">How much of it, from the beginning, was there before the guest's first write.</param>
    public DiskHistory(ulong seed, long sizeBytes, long imageBytes)
    {
        (_seed, SizeBytes) = (seed, sizeBytes);
        ImageBlocks = (imageBytes + BlockBytes - 1) / BlockBytes;
        // A guest uses a part of its disk: 1 GiB at most, so that it also writes again where it wrote before.
        _blocks = Math.Max(1, Math.Min((sizeBytes + BlockBytes - 1) / BlockBytes, 16384));
        _step = (long)(seed % (ulong)_blocks);
        while (Divisor(_step, _blocks) != 1)
            _step = (_step + 1) % Math.Max(2, _blocks);
        _stepInverse = Inverse(_step, _blocks);
        _shift = (long)((seed >> 32) % (ulong)_blocks);
    }

    public long SizeBytes { get; }

    public long ImageBlocks { get; }

    /// <summary>The blocks that were written by the writes after <paramref name="from"/> up to <paramref name="to"/>, in order; with those of the image when nothing was before.</summary>
    public IEnumerable<long> Changed(long? from, long to)
    {
        long first = from ?? 0;
        var changed = new SortedSet<long>();
        for (long write = Math.Max(first, to - _blocks); write < to; write++)
            changed.Add(BlockOf(write));
        long next = 0;
        foreach (long block in changed)
        {
            for (; from is null && next < Math.Min(block, ImageBlocks); next++)
                yield return next;
            next = block + 1;
            yield return block;
        }

        for (; from is null && next < ImageBlocks; next++)
            yield return next;
    }

    /// <summary>Fills a buffer with what is there after so many writes.</summary>
    public void Read(long offset, Span<byte> buffer, long writes)
    {
        while (buffer.Length > 0)
        {
            long block = offset / BlockBytes;
            int within = (int)(offset % BlockBytes), count = Math.Min(buffer.Length, BlockBytes - within);
            Fill(buffer[..count], block, within, LastWrite(block, writes));
            offset += count;
            buffer = buffer[count..];
        }
    }

    private static long Divisor(long a, long b) => b == 0 ? a : Divisor(b, a % b);

    private static long Inverse(long value, long modulus)
    {
        if (modulus == 1)
            return 0;
        long a = value, b = modulus, x = 1, y = 0;
        while (b != 0)
        {
            (x, y) = (y, x - (a / b * y));
            (a, b) = (b, a % b);
        }

        return ((x % modulus) + modulus) % modulus;
    }

    private long BlockOf(long write) => (((write % _blocks) * _step) + _shift) % _blocks;

    /// <summary>The number of the last write to a block; -1 where the guest never wrote.</summary>
    private long LastWrite(long block, long writes)
    {
        if (block >= _blocks)
            return -1;
        long turn = ((((block - _shift) % _blocks) + _blocks) % _blocks) * _stepInverse % _blocks;
        return turn >= writes ? -1 : turn + ((writes - 1 - turn) / _blocks * _blocks);
    }

    private void Fill(Span<byte> buffer, long block, int within, long write)
    {
        if (write < 0 && block >= ImageBlocks)
        {
            buffer.Clear();
            return;
        }

        for (int i = 0; i < buffer.Length; i++)
        {
            long at = within + i;
            ulong word = Mix(_seed ^ unchecked(((ulong)block * 0x9E3779B97F4A7C15) + ((ulong)(write + 1) * 0xD1B54A32D192ED03) + (ulong)(at / 8)));
            // Eight bytes of one word at a time, where they are whole.
            if (at % 8 == 0 && i + 8 <= buffer.Length)
            {
                System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(buffer[i..], word);
                i += 7;
            }
            else
                buffer[i] = (byte)(word >> (int)(at % 8 * 8));
        }
    }

    private static ulong Mix(ulong z)
    {
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
