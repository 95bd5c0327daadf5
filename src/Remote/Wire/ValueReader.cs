using System.Reflection;
using System.Text.Json;

namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>Reads values one after the other, in the order in which they were written.</summary>
internal sealed class ValueReader
{
    private readonly ReadOnlyMemory<byte> _json;
    private readonly JsonSerializerOptions _options;
    private readonly List<Range> _values;
    private int _next;

    /// <exception cref="JsonException">It is no array of values.</exception>
    public ValueReader(ReadOnlyMemory<byte> json, JsonSerializerOptions options)
    {
        _json = json;
        _options = options;
        _values = [];
        var reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = options.MaxDepth + 2 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("It is no array of values.");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            int begin = (int)reader.TokenStartIndex;
            reader.Skip();
            _values.Add(begin..(int)reader.BytesConsumed);
        }

        if (reader.BytesConsumed < json.Length)
            throw new JsonException("Something follows the array of values.");
    }

    public bool HasNext => _next < _values.Count;

    /// <summary>Reads a value that must be there.</summary>
    /// <exception cref="JsonException">It is not this value.</exception>
    public T Next<T>() => Find<T>() ?? throw new JsonException($"The value {_next} is missing.");

    /// <summary>Reads a value that may be missing.</summary>
    /// <exception cref="JsonException">It is not this value.</exception>
    public T? Find<T>()
    {
        if (!HasNext)
            return default;
        var json = _json.Span[_values[_next++]];
        if (json is [(byte)'n', ..])
            return default;
        try
        {
            return (T?)JsonSerializer.Deserialize(json, _options.GetTypeInfo(Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T)));
        }
        catch (Exception error) when (error is ArgumentException or TargetInvocationException or NotSupportedException or InvalidOperationException)
        {
            // What the types themselves refuse.
            throw new JsonException((error.InnerException ?? error).Message, error);
        }
    }

    /// <summary>Reads several values that are one.</summary>
    /// <exception cref="JsonException">They are not these values.</exception>
    public IReadOnlyList<T> NextMany<T>()
    {
        if (!HasNext)
            throw new JsonException($"The value {_next} is missing.");
        return new ValueReader(_json[_values[_next++]], _options).Rest<T>();
    }

    /// <summary>Reads all that are left.</summary>
    /// <exception cref="JsonException">They are not these values.</exception>
    public IReadOnlyList<T> Rest<T>()
    {
        var rest = new List<T>(_values.Count - _next);
        while (HasNext)
            rest.Add(Next<T>());
        return rest;
    }
}
