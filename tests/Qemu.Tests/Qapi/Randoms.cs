using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Qapi;

/// <summary>Random values for generated makers, bounded in depth. The names are those that the generator writes.</summary>
internal sealed class Randoms(int seed)
{
    private const int MaxDepth = 5;

    // Quotes, escapes, control characters, more than one plane: what a JSON writer can get wrong.
    private static readonly string[] s_texts = ["", "drive0", "a\"b\\c", "tab\tnewline\n", "ümlaut ☃ 𝄞", "\u0001", "</script>", "/machine/peripheral/net0"];

    private readonly Random _random = new(seed);
    private int _depth;

    public void Enter() => _depth++;

    public void Leave() => _depth--;

    /// <summary>Whether an optional member is set: less and less often further down.</summary>
    public bool Some() => _depth < MaxDepth && _random.Next(_depth + 1) == 0;

    /// <summary>One of <paramref name="count"/>; the last one, which goes no deeper, when this is deep.</summary>
    public int Choose(int count) => _depth >= MaxDepth ? count - 1 : _random.Next(count);

    public string Str() => s_texts[_random.Next(s_texts.Length)];

    public bool Bool() => _random.Next(2) == 0;

    public long I64() => Edge(long.MinValue, long.MaxValue, _random.NextInt64());

    public int I32() => (int)Edge(int.MinValue, int.MaxValue, _random.Next());

    public short I16() => (short)Edge(short.MinValue, short.MaxValue, _random.Next(short.MaxValue));

    public sbyte I8() => (sbyte)Edge(sbyte.MinValue, sbyte.MaxValue, _random.Next(sbyte.MaxValue));

    public ulong U64() => _random.Next(4) == 0 ? ulong.MaxValue : (ulong)_random.NextInt64();

    public uint U32() => (uint)Edge(0, uint.MaxValue, _random.Next());

    public ushort U16() => (ushort)Edge(0, ushort.MaxValue, _random.Next(ushort.MaxValue));

    public byte U8() => (byte)Edge(0, byte.MaxValue, _random.Next(byte.MaxValue));

    public double F64() => _random.NextDouble() * Math.Pow(10, _random.Next(-20, 20));

    public QapiAny Any() => _random.Next(6) switch
    {
        0 => Str(),
        1 => I64(),
        2 => Bool(),
        3 => F64(),
        4 => QapiAny.Null,
        _ => QapiAny.FromJson("""{"a":[1,{"b":null}],"c":"d"}"""),
    };

    public T Word<T>()
        where T : struct, IQapiWord<T> => T.Of(T.Known.Words[_random.Next(T.Known.Words.Count)]);

    public IReadOnlyList<T> List<T>(Func<Randoms, T> item) => [.. Enumerable.Range(0, _depth >= MaxDepth ? 0 : _random.Next(3)).Select(_ => item(this))];

    private long Edge(long min, long max, long otherwise) => _random.Next(4) switch { 0 => min, 1 => max, 2 => 0, _ => otherwise };
}
