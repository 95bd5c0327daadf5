using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>
/// Describes the routes as OpenAPI 3.1, from the same table that they are mapped from and the same serializer that reads and writes them. Written by hand because the framework's generator knows nothing of the
/// converters behind the model, and would bring a package into every application.
/// </summary>
internal static class OpenApiDocument
{
    public static byte[] Write(ApiRouteTable table, ApiJson json)
    {
        var schemas = new ApiSchemaSet(json);
        var paths = new JsonObject();
        foreach (var route in table.Routes)
        {
            string path = route.Prefix + route.Pattern;
            if (paths[path] is not JsonObject item)
                paths[path] = item = new JsonObject();
            item[route.Method.ToLowerInvariant()] = Describe(route, schemas);
        }

        var document = new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "Hypervisor.Sdk", ["version"] = table.Prefix.Split('/')[^1], ["license"] = new JsonObject { ["name"] = "Apache-2.0", ["identifier"] = "Apache-2.0" } },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas.Write() },
        };
        return Encoding.UTF8.GetBytes(document.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    private static JsonObject Describe(ApiRoute route, ApiSchemaSet schemas)
    {
        var operation = new JsonObject
        {
            ["operationId"] = route.Id,
            ["summary"] = route.Summary,
            ["tags"] = new JsonArray((JsonNode)route.Pattern.Split('/')[1]),
        };
        if (Parameters(route) is { Count: > 0 } parameters)
            operation["parameters"] = parameters;
        if (route.Request is not null)
            operation["requestBody"] = new JsonObject { ["required"] = !route.RequestIsOptional, ["content"] = Content(route.RequestContentType, route.Request.Build(schemas)) };
        operation["responses"] = Responses(route, schemas);
        return operation;
    }

    private static JsonObject Responses(ApiRoute route, ApiSchemaSet schemas)
    {
        var responses = new JsonObject { [Status(route.Status)] = Answer(route, schemas, route.Status == StatusCodes.Status202Accepted ? "The work has begun." : "As asked.") };
        if (route.BeginsWork)
            responses[Status(StatusCodes.Status200OK)] = Answer(route, schemas, "The work has ended within the time of the Prefer header.");
        responses["default"] = new JsonObject { ["description"] = "Refused or failed: problem details.", ["content"] = Content(ProblemDocument.ContentType, ApiSchema.Problem.Build(schemas)) };
        return responses;
    }

    private static JsonObject Answer(ApiRoute route, ApiSchemaSet schemas, string description)
    {
        var answer = new JsonObject { ["description"] = description };
        if (route.ResponseContentType is not null)
            answer["content"] = Content(route.ResponseContentType, (route.Response ?? (route.ResponseContentType == "application/json" ? ApiSchema.Any : ApiSchema.Bytes)).Build(schemas));
        return answer;
    }

    private static JsonArray Parameters(ApiRoute route)
    {
        var parameters = new JsonArray();
        foreach (string segment in route.Pattern.Split('/').Where(segment => segment.StartsWith('{')))
            parameters.Add((JsonNode)Parameter(segment.Trim('{', '}'), "path", null, "string", required: true));
        foreach (var query in route.Query)
            parameters.Add((JsonNode)Parameter(query.Name, "query", query.Description, query.Type, required: false));
        if (!route.BeginsWork)
            return parameters;
        parameters.Add((JsonNode)Parameter("Idempotency-Key", "header", "A UUID of the caller's: the same again has the effect once.", "string", required: false));
        parameters.Add((JsonNode)Parameter("If-Match", "header", "The revision, in quotes, that the configuration must still have.", "string", required: false));
        parameters.Add((JsonNode)Parameter("Prefer", "header", "wait=N: answers when the work has ended, after N seconds (60 at most).", "string", required: false));
        return parameters;
    }

    private static JsonObject Parameter(string name, string place, string? description, string type, bool required)
    {
        var parameter = new JsonObject { ["name"] = name, ["in"] = place, ["required"] = required, ["schema"] = new JsonObject { ["type"] = type } };
        if (description is not null)
            parameter["description"] = description;
        return parameter;
    }

    private static JsonObject Content(string contentType, JsonNode schema) => new() { [contentType.Split(';')[0]] = new JsonObject { ["schema"] = schema } };

    private static string Status(int status) => status.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
