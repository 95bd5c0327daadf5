using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The shapes of what is read and written by a converter, which the schema exporter cannot see into.</summary>
internal static class ConverterSchemas
{
    private static readonly Dictionary<Type, string> s_plain = new()
    {
        [typeof(string)] = "string", [typeof(bool)] = "boolean", [typeof(int)] = "integer", [typeof(long)] = "integer", [typeof(double)] = "number", [typeof(Uri)] = "string", [typeof(IPAddress)] = "string",
        [typeof(IPEndPoint)] = "string", [typeof(DnsEndPoint)] = "string", [typeof(UnixFileMode)] = "string", [typeof(TimeSpan)] = "number",
    };

    /// <returns>Null where anything is accepted, which is what the exporter says of every converter.</returns>
    public static JsonNode? Describe(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (s_plain.TryGetValue(type, out string? plain))
            return new JsonObject { ["type"] = plain };
        if (type == typeof(DateTimeOffset))
            return new JsonObject { ["type"] = "string", ["format"] = "date-time" };
        if (type == typeof(ReadOnlyMemory<byte>) || type == typeof(byte[]))
            return new JsonObject { ["type"] = "string", ["contentEncoding"] = "base64" };
        if (type == typeof(ByteSize))
            return new JsonObject { ["type"] = new JsonArray("integer", "string"), ["description"] = "Bytes as a number; read as text too: \"2GiB\"." };
        if (type == typeof(SpecExtensions))
            return new JsonObject { ["type"] = "object", ["description"] = "Settings of a driver's own, under its kind." };
        if (type == typeof(SecretReference))
            return Secret();
        if (type == typeof(SecretOrText))
            return new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string" }, Secret()) };
        if (type.IsEnum)
            return Words(type);
        return type.IsValueType && !type.IsGenericType && type.Namespace == typeof(InstanceId).Namespace ? new JsonObject { ["type"] = "string" } : null;
    }

    private static JsonObject Secret() => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject { ["secret"] = new JsonObject { ["type"] = "string" }, ["version"] = new JsonObject { ["type"] = "string" } },
        ["required"] = new JsonArray("secret"),
        ["description"] = "A secret by its name: the secret itself is never in here.",
    };

    private static JsonObject Words(Type type)
    {
        var words = new JsonArray([.. Enum.GetNames(type).Select(name => (JsonNode)JsonNamingPolicy.CamelCase.ConvertName(name))]);
        var word = new JsonObject { ["type"] = "string", ["enum"] = words };
        return type.IsDefined(typeof(FlagsAttribute), inherit: false) ? new JsonObject { ["type"] = "array", ["items"] = word } : word;
    }
}
