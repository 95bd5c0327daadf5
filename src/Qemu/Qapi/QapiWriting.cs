using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>Writing by generated code: a member that is null, or a word that is not set, is left out.</summary>
internal static class QapiWriting
{
    public static void Put(this Utf8JsonWriter w, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
            w.WriteString(name, value);
    }

    public static void Put(this Utf8JsonWriter w, ReadOnlySpan<byte> name, bool? value)
    {
        if (value is { } known)
            w.WriteBoolean(name, known);
    }

    public static void Put(this Utf8JsonWriter w, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } known)
            w.WriteNumber(name, known);
    }

    public static void Put(this Utf8JsonWriter w, ReadOnlySpan<byte> name, ulong? value)
    {
        if (value is { } known)
            w.WriteNumber(name, known);
    }

    public static void Put(this Utf8JsonWriter w, ReadOnlySpan<byte> name, double? value)
    {
        if (value is { } known)
            w.WriteNumber(name, known);
    }

    public static void Put(this Utf8JsonWriter w, ReadOnlySpan<byte> name, QapiAny? value)
    {
        if (value is { } known)
        {
            w.WritePropertyName(name);
            known.WriteTo(w);
        }
    }

    public static void Put(this Utf8JsonWriter w, ReadOnlySpan<byte> name, QapiValue? value)
    {
        if (value is not null)
        {
            w.WritePropertyName(name);
            value.WriteTo(w);
        }
    }

    public static void PutWord<T>(this Utf8JsonWriter w, ReadOnlySpan<byte> name, T value)
        where T : struct, IQapiWord<T>
    {
        if (value.Text is { } text)
            w.WriteString(name, text);
    }

    public static void PutWord<T>(this Utf8JsonWriter w, ReadOnlySpan<byte> name, T? value)
        where T : struct, IQapiWord<T>
    {
        if (value is { Text: { } text })
            w.WriteString(name, text);
    }

    public static void PutList<T>(this Utf8JsonWriter w, ReadOnlySpan<byte> name, IReadOnlyList<T>? items, Action<Utf8JsonWriter, T> put)
    {
        if (items is not null)
        {
            w.WritePropertyName(name);
            Wire.PutItems(w, items, put);
        }
    }
}
