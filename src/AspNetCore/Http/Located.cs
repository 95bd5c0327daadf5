using System.Buffers;
using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Something with the backend that it is at: its own JSON form, with one more member in front.</summary>
internal readonly record struct Located<T>(BackendName Backend, T Value);

/// <summary>Writes what is at a backend.</summary>
internal static class Located
{
    public static void Write<T>(ApiJson json, Utf8JsonWriter writer, BackendName backend, T value)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        buffer.Write("{\"backend\":\""u8);
        buffer.Write(System.Text.Encoding.UTF8.GetBytes(backend.ToString()));
        buffer.Write("\","u8);
        buffer.Write(json.Bytes(value).AsSpan(1));
        writer.WriteRawValue(buffer.WrittenSpan, skipInputValidation: true);
    }

    public static void WriteArray<T>(ApiJson json, Utf8JsonWriter writer, string name, IEnumerable<Located<T>> items)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
            Write(json, writer, item.Backend, item.Value);
        writer.WriteEndArray();
    }
}
