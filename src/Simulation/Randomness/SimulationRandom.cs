using System.Numerics;

namespace Hypervisor.Sdk.Simulation.Randomness;

/// <summary>
/// Numbers that a seed decides (xoshiro256**, Blackman and Vigna 2018; seeded by splitmix64). Every purpose has a sequence of its own, so that a new consumer shifts nobody else's numbers. Uses no function whose last
/// digit depends on the processor or the C library.
/// </summary>
internal sealed class SimulationRandom
{
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    private SimulationRandom(ulong state)
    {
        _a = SplitMix(ref state);
        _b = SplitMix(ref state);
        _c = SplitMix(ref state);
        _d = SplitMix(ref state);
    }

    /// <summary>The sequence of a purpose.</summary>
    public static SimulationRandom For(ulong seed, string purpose)
    {
        // FNV-1a: stable for ever, unlike string.GetHashCode.
        ulong hash = 14695981039346656037;
        foreach (char c in purpose)
            hash = (hash ^ c) * 1099511628211;
        ulong state = seed;
        return new(SplitMix(ref state) ^ hash);
    }

    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>0 to below <paramref name="limit"/>.</summary>
    public int Next(int limit) => (int)(((UInt128)Next() * (ulong)limit) >> 64);

    /// <summary>0 to below 1.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>About normally distributed, mean 0 and deviation 1, never beyond 6: the sum of twelve.</summary>
    public double NextNormal()
    {
        double sum = -6;
        for (int i = 0; i < 12; i++)
            sum += NextDouble();
        return sum;
    }

    public bool Chance(double probability) => probability > 0 && NextDouble() < probability;

    public Guid NextGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes, Next());
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], Next());
        // Version 4, variant 1 (RFC 9562, 5.4).
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    private static ulong SplitMix(ref ulong state)
    {
        ulong z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}
