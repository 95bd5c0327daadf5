using System.Buffers;
using System.Text.Json;

namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>Writes values one after the other: the arguments of a call, what it is answered, some of a list. On the wire they are an array.</summary>
#pragma warning disable CA1001 // What is written is taken once, and that disposes the writer.
internal sealed class ValueWriter
#pragma warning restore CA1001
{
    private readonly ArrayBufferWriter<byte> _buffer = new(256);
    private readonly Utf8JsonWriter _writer;
    private readonly JsonSerializerOptions _options;

    public ValueWriter(JsonSerializerOptions options)
    {
        _options = options;
        _writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true });
        _writer.WriteStartArray();
    }

    /// <summary>How many bytes were written so far, about.</summary>
    public long Bytes => _writer.BytesCommitted + _writer.BytesPending;

    public ValueWriter Add<T>(T? value)
    {
        if (value is null)
            _writer.WriteNullValue();
        else
            JsonSerializer.Serialize(_writer, value, _options.GetTypeInfo(Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T)));
        return this;
    }

    /// <summary>Adds several values as one.</summary>
    public ValueWriter AddMany<T>(IEnumerable<T> values)
    {
        _writer.WriteStartArray();
        foreach (var value in values)
            Add(value);
        _writer.WriteEndArray();
        return this;
    }

    public ReadOnlyMemory<byte> ToBytes()
    {
        _writer.WriteEndArray();
        _writer.Dispose();
        return _buffer.WrittenMemory;
    }
}
