using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk;

/// <summary>An enumeration as a word in camelCase; one of flags as an array of words.</summary>
internal sealed class WordConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private readonly bool _isFlags = typeof(T).IsDefined(typeof(FlagsAttribute), false);
    private readonly Dictionary<string, T> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<T, string> _words = [];

    public WordConverter()
    {
        foreach (var value in Enum.GetValues<T>())
        {
            string word = JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
            _values[word] = value;
            _words[value] = word;
        }
    }

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (!_isFlags)
            return ReadWord(ref reader);
        if (reader.TokenType != JsonTokenType.StartArray)
            JsonRefusal.Throw(ref reader, $"an array of {Known}");
        long flags = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            flags |= Convert.ToInt64(ReadWord(ref reader), null);
        return (T)Enum.ToObject(typeof(T), flags);
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        if (!_isFlags)
        {
            writer.WriteStringValue(_words.TryGetValue(value, out string? word) ? word : throw new JsonException($"{value} is none of {Known}."));
            return;
        }

        writer.WriteStartArray();
        foreach (var (flag, word) in _words)
        {
            if (Convert.ToInt64(flag, null) != 0 && value.HasFlag(flag))
                writer.WriteStringValue(word);
        }

        writer.WriteEndArray();
    }

    private string Known => string.Join(", ", _words.Values);

    private T ReadWord(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String || !_values.TryGetValue(JsonRefusal.ReadText(ref reader), out var value))
        {
            JsonRefusal.Throw(ref reader, $"one of {Known}");
            return default;
        }

        return value;
    }
}
