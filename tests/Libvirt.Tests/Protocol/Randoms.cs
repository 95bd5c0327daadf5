using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Protocol;

/// <summary>Random values for generated makers. The names are those that the generator writes.</summary>
internal sealed class Randoms(int seed, bool isSmallest = false)
{
    private static readonly string[] s_texts = ["", "web1", "abc", "ümlaut ☃ 𝄞", "tab\tnewline\n", "</name><devices>", "cpu.time", new('x', 300)];

    private readonly Random _random = new(seed);

    public bool Some() => !isSmallest && _random.Next(2) == 0;

    public string Str() => isSmallest ? "" : s_texts[_random.Next(s_texts.Length)];

    public string? OptionalStr() => Some() ? Str() : null;

    public string[] Strs() => [.. Enumerable.Range(0, Count()).Select(_ => Str())];

    public byte[] Bytes(int max)
    {
        var bytes = new byte[isSmallest ? 0 : _random.Next(Math.Min(max, 20) + 1)];
        _random.NextBytes(bytes);
        return bytes;
    }

    public byte[] FixedBytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    public Guid Uuid() => new(FixedBytes(16));

    public int I32() => (int)Edge(int.MinValue, int.MaxValue);

    public uint U32() => (uint)Edge(0, uint.MaxValue);

    public long I64() => Edge(long.MinValue, long.MaxValue);

    public ulong U64() => (ulong)I64();

    public sbyte I8() => (sbyte)Edge(sbyte.MinValue, sbyte.MaxValue);

    public byte U8() => (byte)Edge(0, byte.MaxValue);

    public ushort U16() => (ushort)Edge(0, ushort.MaxValue);

    public double F64() => _random.NextDouble() * Math.Pow(10, _random.Next(-20, 20));

    public int[] I32s() => [.. Enumerable.Range(0, Count()).Select(_ => I32())];

    public uint[] U32s() => [.. Enumerable.Range(0, Count()).Select(_ => U32())];

    public ulong[] U64s() => [.. Enumerable.Range(0, Count()).Select(_ => U64())];

    public T[] Many<T>(Func<Randoms, T> make) => [.. Enumerable.Range(0, Count()).Select(_ => make(this))];

    public VirTypedParameter TypedParameter() => new(Str(), (isSmallest ? 0 : _random.Next(7)) switch
    {
        0 => VirTypedValue.From(I32()),
        1 => VirTypedValue.From(U32()),
        2 => VirTypedValue.From(I64()),
        3 => VirTypedValue.From(U64()),
        4 => VirTypedValue.From(F64()),
        5 => VirTypedValue.From(Some()),
        _ => VirTypedValue.From(Str()),
    });

    private int Count() => isSmallest ? 0 : _random.Next(4);

    private long Edge(long least, long most) => _random.Next(4) switch
    {
        0 => least,
        1 => most,
        _ => least == 0 ? _random.NextInt64(most) : _random.NextInt64(least, most),
    };
}
