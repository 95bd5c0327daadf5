using System.Text.Json;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>A value where QAPI says <c>any</c>: text, a number, a flag, null, or JSON as it came.</summary>
public readonly struct QapiAny : IEquatable<QapiAny>
{
    private readonly JsonElement _json;
    private readonly QapiValue? _value;

    private QapiAny(JsonElement json) => _json = json;

    private QapiAny(QapiValue value) => _value = value;

    /// <summary>JSON null.</summary>
    public static QapiAny Null { get; } = FromJson("null");

    /// <summary>The value as a JSON element. Of a default value: <see cref="JsonValueKind.Null"/>.</summary>
    public JsonElement Json => _value is not null ? FromJson(_value.ToJson())._json : _json.ValueKind == JsonValueKind.Undefined ? Null._json : _json;

    /// <summary>Parses JSON text.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static QapiAny FromJson(string json)
    {
        using var document = JsonDocument.Parse(json);
        return new QapiAny(document.RootElement.Clone());
    }

    /// <summary>Text.</summary>
    public static implicit operator QapiAny(string value) => new(Of(value, static (w, v) => w.WriteStringValue(v)));

    /// <summary>A flag.</summary>
    public static implicit operator QapiAny(bool value) => new(Of(value, static (w, v) => w.WriteBooleanValue(v)));

    /// <summary>A whole number.</summary>
    public static implicit operator QapiAny(long value) => new(Of(value, static (w, v) => w.WriteNumberValue(v)));

    /// <summary>A whole number that is not negative.</summary>
    public static implicit operator QapiAny(ulong value) => new(Of(value, static (w, v) => w.WriteNumberValue(v)));

    /// <summary>A number.</summary>
    public static implicit operator QapiAny(double value) => new(Of(value, static (w, v) => w.WriteNumberValue(v)));

    /// <summary>A QAPI object or alternate.</summary>
    public static implicit operator QapiAny(QapiValue value) => new(value ?? throw new ArgumentNullException(nameof(value)));

    /// <summary>JSON.</summary>
    public static implicit operator QapiAny(JsonElement value) => new(value.Clone());

    /// <summary>Whether both are the same JSON value.</summary>
    public static bool operator ==(QapiAny left, QapiAny right) => left.Equals(right);

    /// <summary>Whether they are different JSON values.</summary>
    public static bool operator !=(QapiAny left, QapiAny right) => !left.Equals(right);

    /// <inheritdoc />
    public bool Equals(QapiAny other) => JsonElement.DeepEquals(Json, other.Json);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is QapiAny other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => Json.ValueKind.GetHashCode();

    /// <summary>The JSON text.</summary>
    public override string ToString() => Json.GetRawText();

    internal static QapiAny Read(ref Utf8JsonReader r) => new(JsonElement.ParseValue(ref r));

    internal void WriteTo(Utf8JsonWriter w)
    {
        if (_value is not null)
            _value.WriteTo(w);
        else
            Json.WriteTo(w);
    }

    private static JsonElement Of<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(64);
        using (var writer = new Utf8JsonWriter(buffer, Wire.WriterOptions))
            write(writer, value);
        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }
}
