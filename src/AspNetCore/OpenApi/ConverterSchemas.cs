using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The shapes of what is written by a converter, which the schema exporter cannot see into.</summary>
internal static class ConverterSchemas
{
    /// <returns>Null where the type is not one that is known to have a converter: then anything is accepted, which is what the exporter says.</returns>
    public static JsonNode? Describe(Type type)
    {
        if (type == typeof(ByteSize))
            return new JsonObject { ["type"] = new JsonArray("integer", "string"), ["description"] = "Bytes as a number; read as text too: \"2GiB\"." };
        if (type == typeof(TimeSpan))
            return new JsonObject { ["type"] = "number", ["description"] = "Seconds." };
        if (type.IsEnum)
            return Words(type);
        bool isText = type.IsValueType && type.Namespace == typeof(InstanceId).Namespace;
        return isText ? new JsonObject { ["type"] = "string" } : null;
    }

    private static JsonObject Words(Type type)
    {
        var words = new JsonArray([.. Enum.GetNames(type).Select(name => (JsonNode)JsonNamingPolicy.CamelCase.ConvertName(name))]);
        var word = new JsonObject { ["type"] = "string", ["enum"] = words };
        return type.IsDefined(typeof(FlagsAttribute), inherit: false) ? new JsonObject { ["type"] = "array", ["items"] = word } : word;
    }
}
