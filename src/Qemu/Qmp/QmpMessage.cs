using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

internal enum QmpMessageKind
{
    Return,
    Error,
    Event,
    Greeting,
}

/// <summary>
/// One message of a server, taken apart to the depth that it takes to know whose it is. Everything borrows the line. (docs/interop/qmp-spec, "Protocol specification"; a guest agent speaks the same without events.)
/// </summary>
internal ref struct QmpMessage
{
    private const long Microsecond = TimeSpan.TicksPerMicrosecond;

    public QmpMessageKind Kind { get; private set; }

    /// <summary>The value of "return", "error" or "QMP", the "data" of an event: one whole JSON value, or empty where an event has no data.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The id of a reply; null when it has none, or none of ours.</summary>
    public long? Id { get; private set; }

    /// <summary>The name of an event as a JSON string without its quotes.</summary>
    public ReadOnlySpan<byte> EventName { get; private set; }

    /// <summary>When an event happened, or null when the server could not tell (it says -1).</summary>
    public DateTimeOffset? Timestamp { get; private set; }

    /// <summary>
    /// Recognises the reply that QEMU writes, <c>{"return": VALUE, "id": N}</c>, by its two ends alone, without looking into the value. Whoever decodes the value finds out
    /// whether it is one whole value; if not, <see cref="Parse"/> decides what the line is.
    /// </summary>
    public static bool TryParseReturn(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> value, out long id)
    {
        value = default;
        id = 0;
        if (!line.StartsWith("{\"return\": "u8) || line[^1] != '}')
            return false;

        int at = line.Length - 2;
        long scale = 1;
        for (; line[at] is >= (byte)'0' and <= (byte)'9' && scale <= 1_000_000_000_000; at--, scale *= 10)
            id += (line[at] - '0') * scale;
        var head = line[..(at + 1)];
        if (scale == 1 || !head.EndsWith(", \"id\": "u8))
            return false;
        value = head["{\"return\": "u8.Length..^", \"id\": "u8.Length];
        return value.Length > 0;
    }

    /// <summary>Takes a line apart, checking all of it.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    /// <exception cref="QapiFormatException">It is JSON and not a message.</exception>
    public static QmpMessage Parse(ReadOnlySpan<byte> line)
    {
        var message = new QmpMessage();
        var r = new Utf8JsonReader(line, Wire.ReaderOptions);
        if (!r.Read())
            throw new QapiFormatException("an empty message");
        r.Open();
        int kinds = 0;
        ReadOnlySpan<byte> data = default;
        while (r.NextMember())
        {
            if (r.Is("timestamp"u8))
                message.Timestamp = ReadTimestamp(ref r);
            else if (r.Is("event"u8))
                message.SetEvent(ref r, ref kinds);
            else if (r.Is("data"u8))
                data = ValueOf(ref r, line);
            else if (r.Is("return"u8))
                message.Set(QmpMessageKind.Return, ValueOf(ref r, line), ref kinds);
            else if (r.Is("error"u8))
                message.Set(QmpMessageKind.Error, ValueOf(ref r, line), ref kinds);
            else if (r.Is("id"u8))
                message.SetId(ref r);
            else if (r.Is("QMP"u8))
                message.Set(QmpMessageKind.Greeting, ValueOf(ref r, line), ref kinds);
            else
                r.SkipMember();
        }

        // Nothing may follow but white space.
        if (r.Read() || kinds != 1)
            throw new QapiFormatException("it is none of return, error, event and QMP");
        if (message.Kind == QmpMessageKind.Event)
            message.Value = data;
        return message;
    }

    private static ReadOnlySpan<byte> ValueOf(scoped ref Utf8JsonReader r, ReadOnlySpan<byte> line)
    {
        int start = (int)r.TokenStartIndex;
        r.Skip();
        return line[start..(int)r.BytesConsumed];
    }

    private static DateTimeOffset? ReadTimestamp(ref Utf8JsonReader r)
    {
        long seconds = -1;
        long microseconds = 0;
        for (r.Open(); r.NextMember();)
        {
            if (r.Is("seconds"u8))
                seconds = r.I64();
            else if (r.Is("microseconds"u8))
                microseconds = r.I64();
            else
                r.SkipMember();
        }

        if (seconds < 0 || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds() || microseconds is < 0 or >= 1_000_000)
            return null;
        return DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(microseconds * Microsecond);
    }

    private void SetEvent(ref Utf8JsonReader r, ref int kinds)
    {
        if (r.TokenType != JsonTokenType.String || r.ValueIsEscaped)
            throw new QapiFormatException("the name of an event is not a plain string");
        EventName = r.ValueSpan;
        Kind = QmpMessageKind.Event;
        kinds++;
    }

    private void SetId(ref Utf8JsonReader r)
    {
        Id = r.TokenType == JsonTokenType.Number && r.TryGetInt64(out long id) ? id : null;
        r.Skip();
    }

    private void Set(QmpMessageKind kind, ReadOnlySpan<byte> value, ref int kinds)
    {
        Kind = kind;
        Value = value;
        kinds++;
    }
}
