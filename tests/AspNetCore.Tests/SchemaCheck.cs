using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>As much of JSON Schema as the description uses. An unknown member of an object fails, whatever the schema says: an answer must not hold what is not described.</summary>
internal sealed class SchemaCheck(JsonObject document)
{
    public void Check(JsonNode schema, JsonNode? value, string path)
    {
        if (Problem(schema, value, path) is { } problem)
            Assert.Fail(problem);
    }

    public void CheckReferences(JsonNode node, string where)
    {
        if (node is JsonObject item)
        {
            if (item["$ref"] is { } reference)
                Assert.True(document["components"]!["schemas"]![((string)reference!).Split('/')[^1]] is not null, $"{where}: {reference} leads nowhere");
            foreach (var member in item.Where(member => member.Value is not null))
                CheckReferences(member.Value!, where);
        }
        else if (node is JsonArray array)
        {
            foreach (var element in array.OfType<JsonNode>())
                CheckReferences(element, where);
        }
    }

    private string? Problem(JsonNode schema, JsonNode? value, string path)
    {
        if (schema is JsonValue)
            return null;
        if (schema["$ref"] is { } reference)
            return Problem(document["components"]!["schemas"]![((string)reference!).Split('/')[^1]]!, value, path);
        if (schema["allOf"] is JsonArray all)
            return Problem(Merge(all), value, path);
        if (schema["anyOf"] is JsonArray any)
        {
            var problems = any.Select(one => Problem(one!, value, path)).ToArray();
            return problems.Any(problem => problem is null) ? null : string.Join("; ", problems);
        }

        if (schema["const"] is { } constant && !JsonNode.DeepEquals(constant, value))
            return $"{path}: {value?.ToJsonString()} is not {constant.ToJsonString()}";
        if (schema["enum"] is JsonArray words && !words.Any(word => JsonNode.DeepEquals(word, value)))
            return $"{path}: {value?.ToJsonString()} is none of {words.ToJsonString()}";
        if (schema["type"] is { } type && !Types(type).Contains(KindOf(value)) && !(KindOf(value) == "integer" && Types(type).Contains("number")))
            return $"{path}: {value?.ToJsonString()} is {KindOf(value)} and not {type.ToJsonString()}";
        return value switch
        {
            JsonObject members => ObjectProblem(schema, members, path),
            JsonArray items when schema["items"] is { } item => items.Select((element, i) => Problem(item, element, $"{path}[{i}]")).FirstOrDefault(problem => problem is not null),
            _ => null,
        };
    }

    private string? ObjectProblem(JsonNode schema, JsonObject members, string path)
    {
        foreach (var required in (schema["required"] as JsonArray ?? []).Select(name => (string)name!))
        {
            if (!members.ContainsKey(required))
                return $"{path}: has no '{required}'";
        }

        if (schema["properties"] is null && schema["additionalProperties"] is null)
            return null;
        foreach (var (name, member) in members)
        {
            var described = schema["properties"]?[name] ?? schema["additionalProperties"];
            if (described is null || (described is JsonValue allowed && allowed.GetValueKind() == JsonValueKind.False))
                return $"{path}: '{name}' is not described";
            if (Problem(described, member, $"{path}.{name}") is { } problem)
                return problem;
        }

        return null;
    }

    private JsonObject Merge(JsonArray all)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var part in all.Select(part => part!["$ref"] is { } reference ? document["components"]!["schemas"]![((string)reference!).Split('/')[^1]]! : part!))
        {
            foreach (var (name, property) in part["properties"]!.AsObject())
                properties[name] = property!.DeepClone();
            foreach (var name in part["required"] as JsonArray ?? [])
                required.Add(name!.DeepClone());
        }

        return new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
    }

    private static string[] Types(JsonNode type) => type is JsonArray several ? [.. several.Select(one => (string)one!)] : [(string)type!];

    private static string KindOf(JsonNode? value) => value switch
    {
        null => "null",
        JsonObject => "object",
        JsonArray => "array",
        _ => value.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            _ => value.ToJsonString().Contains('.') ? "number" : "integer",
        },
    };
}
