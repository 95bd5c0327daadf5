using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The schemas that a document refers to, each written once.</summary>
internal sealed class ApiSchemaSet(ApiJson json)
{
    private readonly SortedDictionary<string, JsonNode> _schemas = new(StringComparer.Ordinal);

    public JsonObject Write()
    {
        var all = new JsonObject();
        foreach (var (name, schema) in _schemas)
            all[name] = schema;
        return all;
    }

    public JsonNode Reference(string name, ApiSchema schema)
    {
        if (_schemas.TryAdd(name, new JsonObject()))
            _schemas[name] = schema.Build(this);
        return Pointer(name);
    }

    public JsonNode Reference(Type type)
    {
        var exported = JsonSchemaExporter.GetJsonSchemaAsNode(json.Options, type, new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Transform });
        return exported is JsonObject node && node.ContainsKey("$ref") ? node : Keep(NameOf(type), exported);
    }

    private static string NameOf(Type type) => type.DeclaringType is { } outer ? outer.Name + type.Name : type.Name;

    private static JsonObject Pointer(string name) => new() { ["$ref"] = "#/components/schemas/" + name };

    private JsonObject Keep(string name, JsonNode schema)
    {
        _schemas.TryAdd(name, schema);
        return Pointer(name);
    }

    /// <summary>What the exporter cannot see into, and what deserves a name of its own. It calls for the innermost first.</summary>
    private JsonNode Transform(JsonSchemaExporterContext context, JsonNode schema)
    {
        var type = Nullable.GetUnderlyingType(context.TypeInfo.Type) ?? context.TypeInfo.Type;
        if (schema is not JsonObject node)
            return Describe(type, context.PropertyInfo) ?? schema;
        if (context.TypeInfo.ElementType is { } element)
            DescribeElements(node, context, element);
        return context.TypeInfo.Kind == JsonTypeInfoKind.Object && context.Path.Length > 0 ? Keep(NameOf(type), node) : node;
    }

    /// <summary>A change of a value is written as the value, or as null where it clears it.</summary>
    private JsonNode? Describe(Type type, JsonPropertyInfo? property)
    {
        if (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(Change<>))
            return ConverterSchemas.Describe(type);
        var changed = type.GetGenericArguments()[0];
        var value = ConverterSchemas.Describe(changed) ?? Reference(changed);
        bool clears = Nullable.GetUnderlyingType(changed) is not null || changed == typeof(string);
        return clears && property is not null ? OrNull(value) : value;
    }

    /// <summary>The exporter leaves elements out that it cannot see into.</summary>
    private static void DescribeElements(JsonObject node, JsonSchemaExporterContext context, Type element)
    {
        string keyword = context.TypeInfo.Kind == JsonTypeInfoKind.Dictionary ? "additionalProperties" : "items";
        if (node.ContainsKey(keyword) || ConverterSchemas.Describe(element) is not { } described)
            return;

        // Labels of a change: null takes one away.
        bool clears = context.PropertyInfo?.DeclaringType == typeof(InstanceChange) && keyword == "additionalProperties" && element == typeof(string);
        node[keyword] = clears ? OrNull(described) : described;
    }

    private static JsonObject OrNull(JsonNode schema) => new() { ["anyOf"] = new JsonArray(schema, new JsonObject { ["type"] = "null" }) };
}
