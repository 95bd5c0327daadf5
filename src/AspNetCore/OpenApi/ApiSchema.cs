using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The shape of a JSON value in the OpenAPI document. What is a type of the model is a reference to its schema, which is exported from its serializer.</summary>
internal sealed class ApiSchema(Func<ApiSchemaSet, JsonNode> build)
{
    public static readonly ApiSchema Text = new(_ => new JsonObject { ["type"] = "string" });

    public static readonly ApiSchema Integer = new(_ => new JsonObject { ["type"] = "integer" });

    public static readonly ApiSchema Number = new(_ => new JsonObject { ["type"] = "number" });

    public static readonly ApiSchema Flag = new(_ => new JsonObject { ["type"] = "boolean" });

    public static readonly ApiSchema Bytes = new(_ => new JsonObject { ["type"] = "string", ["format"] = "binary" });

    public static readonly ApiSchema Any = new(_ => new JsonObject());

    /// <summary>Problem details (RFC 9457) with our members.</summary>
    public static readonly ApiSchema Problem = Named("Problem", Object(
        ("type", Text, true), ("title", Text, true), ("status", Integer, true), ("detail", Text, true), ("code", Text, true), ("outcome", Text, true), ("backend", Text, false), ("resource", Text, false),
        ("backendCode", Text, false), ("backendMessage", Text, false), ("fieldErrors", new(_ => new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "string" } }), false), ("retryAfter", Number, false)));

    /// <summary>Work that was begun.</summary>
    public static readonly ApiSchema Operation = Named("Operation", Object(
        ("id", Text, true), ("state", OneOfWords("running", "succeeded", "failed", "cancelled", "unknown"), true), ("fraction", Number, false), ("stage", Text, false), ("error", Problem, false), ("result", Any, false), ("requestId", Text, false)));

    public JsonNode Build(ApiSchemaSet set) => build(set);

    /// <summary>A type of the model.</summary>
    public static ApiSchema Of<T>() => new(set => set.Reference(typeof(T)));

    /// <summary>A type of the model with the backend that it is at.</summary>
    public static ApiSchema Located<T>() => new(set => new JsonObject
    {
        ["allOf"] = new JsonArray(Object(("backend", Text, true)).Build(set), set.Reference(typeof(T))),
    });

    public static ApiSchema ListOf(ApiSchema item) => Object(("items", ArrayOf(item), true));

    /// <summary>A page over backends, which may be missing what did not answer.</summary>
    public static ApiSchema PageOf(ApiSchema item) => Object(("items", ArrayOf(item), true), ("continuation", Text, false), ("unreachable", ArrayOf(Problem), false));

    public static ApiSchema ArrayOf(ApiSchema item) => new(set => new JsonObject { ["type"] = "array", ["items"] = item.Build(set) });

    public static ApiSchema Object(params (string Name, ApiSchema Schema, bool Required)[] members) => new(set =>
    {
        var properties = new JsonObject();
        foreach (var (name, schema, _) in members)
            properties[name] = schema.Build(set);
        var required = new JsonArray([.. members.Where(member => member.Required).Select(member => (JsonNode)member.Name)]);
        var node = new JsonObject { ["type"] = "object", ["properties"] = properties };
        if (required.Count > 0)
            node["required"] = required;
        return node;
    });

    private static ApiSchema OneOfWords(params string[] words) => new(_ => new JsonObject { ["type"] = "string", ["enum"] = new JsonArray([.. words.Select(word => (JsonNode)word)]) });

    private static ApiSchema Named(string name, ApiSchema schema) => new(set => set.Reference(name, schema));
}
