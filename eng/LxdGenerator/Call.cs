using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>What an answer carries.</summary>
internal enum AnswerKind
{
    Empty, Value, Operation, EmptyOrOperation, Raw, WebSocket, Connection, Event,
}

/// <summary>One operation of an API.</summary>
internal sealed partial record Call(string Id, string Method, string Target, AnswerKind Kind)
{
    public List<string> Servers { get; } = [];

    public YamlNode? Value { get; private set; }

    public YamlNode? Body { get; private set; }

    public bool TakesRawBody { get; private set; }

    /// <summary>Names of what goes into the query, and of headers (without the server's prefix) as <c>header:uid</c>.</summary>
    public List<string> Inputs { get; } = [];

    public IEnumerable<string> PathInputs => PathPattern().Matches(Target).Select(match => match.Groups[1].Value);

    public static Call Read(string server, string target, string method, YamlNode operation)
    {
        string id = operation["operationId"].Text!;
        var (kind, value) = AnswerOf(target, operation["responses"]);
        var call = new Call(id, method, target, Corrections.KindOf(id) ?? kind) { Value = value };
        call.Servers.Add(server);
        foreach (var input in operation["parameters"].Items)
        {
            string name = input["name"].Text!;
            switch (input["in"].Text)
            {
                case "query":
                    call.Inputs.Add(name);
                    break;
                case "header":
                    call.Inputs.Add("header:" + name[(name.LastIndexOf('-') + 1)..]);
                    break;
                case "body" when input.Has("schema") && !input["schema"].Entries.TrueForAll(entry => entry.Key is "type" or "format"):
                    call.Body = input["schema"];
                    break;
                case "body":
                    call.TakesRawBody = true;
                    break;
                case var other:
                    throw new FormatException($"{method} {target} has an input in '{other}'.");
            }
        }

        return call;
    }

    /// <summary>Takes what another server, with the same operation, says beyond this.</summary>
    public void Merge(Call other)
    {
        Servers.Insert(0, other.Servers[0]);
        if (other.Id != Id || other.Kind != Kind || other.Body is null != Body is null || other.TakesRawBody != TakesRawBody)
            throw new FormatException($"{Method} {Target} is not the same operation for {other.Servers[0]}.");
        Inputs.AddRange(other.Inputs.Except(Inputs).ToList());
    }

    private static (AnswerKind Kind, YamlNode? Value) AnswerOf(string target, YamlNode responses)
    {
        var good = responses.Entries.Where(entry => entry.Key[0] is '1' or '2').ToList();
        if (good.Exists(entry => entry.Key == "101"))
            return (AnswerKind.Connection, null);
        if (target.Contains("/websocket", StringComparison.Ordinal))
            return (AnswerKind.WebSocket, null);
        if (good.Count == 2)
            return (AnswerKind.EmptyOrOperation, null);
        var (_, answer) = good.Single();
        switch (answer["$ref"].Text)
        {
            case "#/responses/EmptySyncResponse": return (AnswerKind.Empty, null);
            case "#/responses/Operation": return (AnswerKind.Operation, null);
            case { } reference when reference.StartsWith("#/definitions/", StringComparison.Ordinal): return (AnswerKind.Value, answer);
        }

        var schema = answer["schema"];
        if (schema["$ref"].Text == "#/definitions/Event")
            return (AnswerKind.Event, schema);
        return schema["properties"].Has("metadata") ? (AnswerKind.Value, schema["properties"]["metadata"]) : (AnswerKind.Raw, null);
    }

    [GeneratedRegex(@"\{([^}]*)\}")]
    private static partial Regex PathPattern();
}
