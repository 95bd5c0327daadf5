using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>Reads a value that <paramref name="r"/> stands on.</summary>
internal delegate T QapiRead<out T>(ref Utf8JsonReader r);

/// <summary>What the generated readers and writers share. The names are short because they are written ten thousand times.</summary>
internal static class Wire
{
    /// <summary>QEMU's own JSON parser stops at 1024 levels (qobject/json-streamer.c). Half of it keeps a recursive read within the smallest thread stack.</summary>
    public const int MaxDepth = 512;

    public static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth };

    /// <summary>JSON goes into a socket or an argument list, never into HTML: only what JSON itself demands is escaped.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true, MaxDepth = MaxDepth };

    public static string Str(ref Utf8JsonReader r) => r.Str();

    public static bool Bool(ref Utf8JsonReader r) => r.Bool();

    public static long I64(ref Utf8JsonReader r) => r.I64();

    public static int I32(ref Utf8JsonReader r) => r.I32();

    public static short I16(ref Utf8JsonReader r) => r.I16();

    public static sbyte I8(ref Utf8JsonReader r) => r.I8();

    public static ulong U64(ref Utf8JsonReader r) => r.U64();

    public static uint U32(ref Utf8JsonReader r) => r.U32();

    public static ushort U16(ref Utf8JsonReader r) => r.U16();

    public static byte U8(ref Utf8JsonReader r) => r.U8();

    public static double F64(ref Utf8JsonReader r) => r.F64();

    public static QapiAny Any(ref Utf8JsonReader r) => r.Any();

    public static void Put(Utf8JsonWriter w, string value) => w.WriteStringValue(value);

    public static void Put(Utf8JsonWriter w, bool value) => w.WriteBooleanValue(value);

    public static void Put(Utf8JsonWriter w, long value) => w.WriteNumberValue(value);

    public static void Put(Utf8JsonWriter w, ulong value) => w.WriteNumberValue(value);

    public static void Put(Utf8JsonWriter w, int value) => w.WriteNumberValue(value);

    public static void Put(Utf8JsonWriter w, uint value) => w.WriteNumberValue(value);

    public static void Put(Utf8JsonWriter w, ushort value) => w.WriteNumberValue(value);

    public static void Put(Utf8JsonWriter w, byte value) => w.WriteNumberValue(value);

    public static void Put(Utf8JsonWriter w, double value) => w.WriteNumberValue(value);

    public static void Put(Utf8JsonWriter w, QapiAny value) => value.WriteTo(w);

    public static void Put(Utf8JsonWriter w, QapiValue value) => value.WriteTo(w);

    public static void PutWord<T>(Utf8JsonWriter w, T value)
        where T : struct, IQapiWord<T> => w.WriteStringValue(value.Text);

    public static void PutItems<T>(Utf8JsonWriter w, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> put)
    {
        w.WriteStartArray();
        for (int i = 0; i < items.Count; i++)
            put(w, items[i]);
        w.WriteEndArray();
    }

    /// <summary>Members are missing that every version of the schema has; <paramref name="names"/> are separated by blanks and numbered by the bits of <paramref name="seen"/>.</summary>
    [DoesNotReturn]
    public static void Missing(ulong seen, string type, string names)
    {
        var missing = names.Split(' ').Where((_, bit) => (seen & (1ul << bit)) == 0);
        throw new QapiFormatException($"{type} lacks {string.Join(", ", missing)}");
    }

    public static QapiFormatException Unexpected(ref Utf8JsonReader r, string expected) => new($"{expected} was expected where {r.TokenType} stands");

    public static InvalidOperationException Empty(string type) => new($"{type} has no member set: set exactly one.");
}
