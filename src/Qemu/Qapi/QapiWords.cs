using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>A QAPI enum: a word of which some are known.</summary>
internal interface IQapiWord<TSelf>
    where TSelf : struct, IQapiWord<TSelf>
{
    static abstract QapiWords Known { get; }

    string Text { get; }

    static abstract TSelf Of(string text);
}

/// <summary>The known words of an enum, so that reading one makes no string: a small hash table over their UTF-8 bytes.</summary>
internal sealed class QapiWords
{
    private readonly string[] _words;
    private readonly byte[][] _utf8;
    private readonly short[] _slots;

    public QapiWords(params string[] words)
    {
        _words = words;
        _utf8 = Array.ConvertAll(words, System.Text.Encoding.UTF8.GetBytes);
        _slots = new short[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)words.Length * 2 + 1)];
        Array.Fill(_slots, (short)-1);
        for (short i = 0; i < words.Length; i++)
        {
            int slot = Hash(_utf8[i]) & (_slots.Length - 1);
            while (_slots[slot] >= 0)
                slot = (slot + 1) & (_slots.Length - 1);
            _slots[slot] = i;
        }
    }

    public IReadOnlyList<string> Words => _words;

    /// <summary>The index of a word, or -1.</summary>
    public int Find(ReadOnlySpan<byte> utf8)
    {
        int slot = Hash(utf8) & (_slots.Length - 1);
        while (_slots[slot] is >= 0 and var index)
        {
            if (utf8.SequenceEqual(_utf8[index]))
                return index;
            slot = (slot + 1) & (_slots.Length - 1);
        }

        return -1;
    }

    /// <summary>The string that the reader stands on: the known one where there is one.</summary>
    public string Read(ref Utf8JsonReader r)
    {
        if (!r.HasValueSequence && !r.ValueIsEscaped && Find(r.ValueSpan) is >= 0 and var index)
            return _words[index];
        return r.GetString()!;
    }

    private static int Hash(ReadOnlySpan<byte> utf8)
    {
        // FNV-1a: the words are short.
        uint hash = 2166136261;
        foreach (byte b in utf8)
            hash = (hash ^ b) * 16777619;
        return (int)(hash ^ (hash >> 15));
    }
}
