using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>Reading by generated code. A value is read where the reader stands on it, and afterwards the reader stands on its end.</summary>
internal static class QapiReading
{
    /// <summary>The reader stands on the brace of an object.</summary>
    public static void Open(ref this Utf8JsonReader r)
    {
        if (r.TokenType != JsonTokenType.StartObject)
            throw Wire.Unexpected(ref r, "an object");
    }

    /// <summary>Goes to the next member's name; false at the end of the object.</summary>
    public static bool NextMember(ref this Utf8JsonReader r)
    {
        Advance(ref r);
        return r.TokenType == JsonTokenType.PropertyName;
    }

    /// <summary>Whether the member has this name; then the reader goes on to its value.</summary>
    public static bool Is(ref this Utf8JsonReader r, ReadOnlySpan<byte> name)
    {
        if (!r.ValueTextEquals(name))
            return false;
        Advance(ref r);
        return true;
    }

    public static void SkipMember(ref this Utf8JsonReader r)
    {
        Advance(ref r);
        r.Skip();
    }

    public static void SkipObject(ref this Utf8JsonReader r)
    {
        r.Open();
        r.Skip();
    }

    public static string MemberName(ref this Utf8JsonReader r) => r.GetString()!;

    public static QapiAny NextAny(ref this Utf8JsonReader r)
    {
        Advance(ref r);
        return QapiAny.Read(ref r);
    }

    public static string Str(ref this Utf8JsonReader r)
    {
        if (r.TokenType != JsonTokenType.String)
            throw Wire.Unexpected(ref r, "a string");
        return r.GetString()!;
    }

    public static T Word<T>(ref this Utf8JsonReader r)
        where T : struct, IQapiWord<T>
    {
        if (r.TokenType != JsonTokenType.String)
            throw Wire.Unexpected(ref r, typeof(T).Name);
        return T.Of(T.Known.Read(ref r));
    }

    public static bool Bool(ref this Utf8JsonReader r) => r.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Wire.Unexpected(ref r, "true or false"),
    };

    public static long I64(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetInt64(out long value) ? value : throw Wire.Unexpected(ref r, "an int64");

    public static int I32(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetInt32(out int value) ? value : throw Wire.Unexpected(ref r, "an int32");

    public static short I16(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetInt16(out short value) ? value : throw Wire.Unexpected(ref r, "an int16");

    public static sbyte I8(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetSByte(out sbyte value) ? value : throw Wire.Unexpected(ref r, "an int8");

    public static ulong U64(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetUInt64(out ulong value) ? value : throw Wire.Unexpected(ref r, "a uint64");

    public static uint U32(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetUInt32(out uint value) ? value : throw Wire.Unexpected(ref r, "a uint32");

    public static ushort U16(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetUInt16(out ushort value) ? value : throw Wire.Unexpected(ref r, "a uint16");

    public static byte U8(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetByte(out byte value) ? value : throw Wire.Unexpected(ref r, "a uint8");

    public static double F64(ref this Utf8JsonReader r) => r.TokenType == JsonTokenType.Number && r.TryGetDouble(out double value) ? value : throw Wire.Unexpected(ref r, "a number");

    public static QapiAny Any(ref this Utf8JsonReader r) => QapiAny.Read(ref r);

    public static T[] List<T>(ref this Utf8JsonReader r, QapiRead<T> item)
    {
        if (r.TokenType != JsonTokenType.StartArray)
            throw Wire.Unexpected(ref r, "a list");
        Advance(ref r);
        if (r.TokenType == JsonTokenType.EndArray)
            return [];
        var items = new List<T>();
        while (r.TokenType != JsonTokenType.EndArray)
        {
            items.Add(item(ref r));
            Advance(ref r);
        }

        return [.. items];
    }

    /// <summary>The next token; the end of the bytes in the middle of a value is a broken message.</summary>
    private static void Advance(ref Utf8JsonReader r)
    {
        if (!r.Read())
            throw new QapiFormatException("the message ends too early");
    }
}
