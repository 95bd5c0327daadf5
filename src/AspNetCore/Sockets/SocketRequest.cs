using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A control message of a client. Strict like a request body: unknown members and wrong types are refused by name.</summary>
internal sealed class SocketRequest
{
    private const int MaxWords = 1_000;

    public string Op { get; private set; } = "";

    public uint Channel { get; private set; }

    public string? Kind { get; private set; }

    public string? Backend { get; private set; }

    public string? Instance { get; private set; }

    public string? Id { get; private set; }

    public double? Interval { get; private set; }

    public bool TakeOver { get; private set; }

    public int Replay { get; private set; }

    public int Bytes { get; private set; }

    public int Columns { get; private set; }

    public int Rows { get; private set; }

    /// <summary>A program with its arguments.</summary>
    public IReadOnlyList<string>? Command { get; private set; }

    public string? User { get; private set; }

    public static SocketRequest Parse(ReadOnlySpan<byte> json)
    {
        var request = new SocketRequest();
        bool hasChannel = false;
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw new SocketProtocolException("A text message is not a JSON object.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = Text(ref reader) ?? throw new SocketProtocolException("The name of a member of a message is not well-formed.");
                reader.Read();
                request.Set(name, ref reader);
                hasChannel |= name == "channel";
            }

            if (reader.Read())
                throw new SocketProtocolException("A text message goes on after its JSON object.");
        }
        catch (JsonException)
        {
            throw new SocketProtocolException("A text message is not JSON.");
        }

        return hasChannel ? request : throw new SocketProtocolException("A text message has no channel.");
    }

    private void Set(string name, ref Utf8JsonReader reader)
    {
        bool valid = true;
        switch (name)
        {
            case "op":
                Op = Text(ref reader, ref valid);
                break;
            case "channel":
                valid = reader.TokenType == JsonTokenType.Number && reader.TryGetUInt32(out uint channel) && Keep(() => Channel = channel);
                break;
            case "kind":
                Kind = Text(ref reader, ref valid);
                break;
            case "backend":
                Backend = Text(ref reader, ref valid);
                break;
            case "instance":
                Instance = Text(ref reader, ref valid);
                break;
            case "id":
                Id = Text(ref reader, ref valid);
                break;
            case "interval":
                valid = reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double interval) && interval is >= 1 and <= 60 && Keep(() => Interval = interval);
                break;
            case "takeOver":
                valid = reader.TokenType is JsonTokenType.True or JsonTokenType.False;
                TakeOver = reader.TokenType == JsonTokenType.True;
                break;
            case "replay":
                Replay = Count(ref reader, ref valid, 0, 1 << 20);
                break;
            case "bytes":
                Bytes = Count(ref reader, ref valid, 1, int.MaxValue);
                break;
            case "columns":
                Columns = Count(ref reader, ref valid, 1, 10_000);
                break;
            case "rows":
                Rows = Count(ref reader, ref valid, 1, 10_000);
                break;
            case "command":
                Command = Words(ref reader, ref valid);
                break;
            case "user":
                User = Text(ref reader, ref valid);
                break;
            default:
                throw new SocketProtocolException($"There is no member '{Echo.Short(name)}' in a message.");
        }

        if (!valid)
            throw new SocketProtocolException($"The member '{name}' of a message has the wrong type, is out of range or is not well-formed.");
    }

    private static List<string> Words(ref Utf8JsonReader reader, ref bool valid)
    {
        var words = new List<string>();
        valid = reader.TokenType == JsonTokenType.StartArray;
        while (valid && reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            words.Add(Text(ref reader, ref valid));
            valid &= words.Count <= MaxWords;
        }

        return words;
    }

    private static bool Keep(Action assign)
    {
        assign();
        return true;
    }

    private static string Text(ref Utf8JsonReader reader, ref bool valid)
    {
        string? text = reader.TokenType == JsonTokenType.String ? Text(ref reader) : null;
        valid = text is not null;
        return text ?? "";
    }

    /// <returns>Null where there is half a character in it, which JSON can say by an escape and no text can hold.</returns>
    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static int Count(ref Utf8JsonReader reader, ref bool valid, int min, int max)
    {
        valid = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value) && value >= min && value <= max;
        return valid ? reader.GetInt32() : 0;
    }
}
