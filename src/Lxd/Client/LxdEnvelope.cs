using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.Lxd;

/// <summary>What every answer is wrapped in: <c>{"type":"sync","status":…,"metadata":…}</c>. Read once from front to end, without a document in between.</summary>
internal static class LxdEnvelope
{
    private const int MaxWordCharacters = 2000;

    /// <summary>Reads the value.</summary>
    /// <param name="body">The whole body.</param>
    /// <param name="type">How to read the value; null to pass it over.</param>
    /// <param name="what">For messages.</param>
    public static (string? Type, T Value) Read<T>(ReadOnlySequence<byte> body, JsonTypeInfo<T>? type, string what)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            string? kind = null;
            string? error = null;
            int code = 0;
            T? value = default;
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw LxdErrors.Unreadable(what, "it is no JSON object.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("type"u8))
                {
                    reader.Read();
                    kind = reader.GetString();
                }
                else if (reader.ValueTextEquals("error"u8))
                {
                    reader.Read();
                    error = reader.GetString();
                }
                else if (reader.ValueTextEquals("error_code"u8))
                {
                    reader.Read();
                    reader.TryGetInt32(out code);
                }
                else if (type is not null && reader.ValueTextEquals("metadata"u8))
                {
                    reader.Read();
                    value = JsonSerializer.Deserialize(ref reader, type);
                }
                else
                {
                    reader.Skip();
                }
            }

            // Incus 6.0.4 answers so, with the status 200, to who waits for an operation that has failed already.
            if (kind == "error")
                throw new LxdException(what, code, error, LxdErrors.CodeOfFailed(error), RequestOutcome.FailedMidway);
            if (type is not null && value is null)
                value = EmptyOf(type) ?? throw LxdErrors.Unreadable(what, "it has no metadata.");
            return (kind, value!);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            throw LxdErrors.Unreadable(what, broken.Message, broken);
        }
    }

    /// <summary>The server's words for an error; null where it says none.</summary>
    public static string? ReadError(ReadOnlySequence<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("error"u8))
                {
                    reader.Read();
                    return reader.GetString() is { Length: > 0 } words ? words : null;
                }

                reader.Skip();
            }

            return null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Not an answer of the API, but of something before it: a proxy, perhaps.
            return Encoding.UTF8.GetString(body.Slice(0, Math.Min(body.Length, MaxWordCharacters))) is { Length: > 0 } text ? text : null;
        }
    }

    /// <summary>The servers write an empty list or map as null.</summary>
    private static T? EmptyOf<T>(JsonTypeInfo<T> type) => type.Kind switch
    {
        JsonTypeInfoKind.Enumerable => JsonSerializer.Deserialize("[]"u8, type),
        JsonTypeInfoKind.Dictionary => JsonSerializer.Deserialize("{}"u8, type),
        _ => default,
    };
}
