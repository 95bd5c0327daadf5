using System.Text;

namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>Writes the models, the calls, and the table of operations.</summary>
internal sealed class Emitter(IReadOnlyList<Source> sources, IReadOnlyList<(string Shape, Call Call)> calls)
{
    public const string SourceDirectory = "src/Lxd/Api";

    private const string Head = "// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.\n#nullable enable\n";

    private readonly SortedDictionary<string, string> _files = new(StringComparer.Ordinal);
    private readonly Types _types = new(sources);
    private readonly SortedSet<string> _roots = new(StringComparer.Ordinal);

    public int ModelCount => _types.Models.Count;

    public SortedDictionary<string, string> Emit()
    {
        EmitCalls();
        EmitInputs();
        EmitTable();
        EmitModels();
        EmitJson();
        return _files;
    }

    private void EmitCalls()
    {
        foreach (var group in calls.GroupBy(call => Names.Group(call.Call.Id)))
        {
            var text = Begin("using System.Text.Json;\nusing Hypervisor.Sdk.Transport;\nusing Hypervisor.Sdk.Transport.Http;\nusing Hypervisor.Sdk.Transport.WebSockets;\n");
            text.Append("public sealed partial class LxdClient\n{\n");
            bool isFirst = true;
            foreach (var (_, call) in group)
            {
                if (!isFirst)
                    text.Append('\n');
                isFirst = false;
                if (call.Body is not null || !call.TakesRawBody)
                    EmitCall(text, call, isRaw: false);
                if (call.Body is not null && call.TakesRawBody)
                    text.Append('\n');
                if (call.TakesRawBody)
                    EmitCall(text, call, isRaw: true);
            }

            _files.Add($"{SourceDirectory}/LxdClient.{group.Key}.g.cs", text.Append("}\n").ToString());
        }
    }

    private void EmitCall(StringBuilder text, Call call, bool isRaw)
    {
        string? body = isRaw ? "HttpRequestBody" : call.Body is null ? null : _types.Of(call.Body);
        string value = call.Value is null ? "" : Corrections.Of(call.Id) ?? _types.Of(call.Value);
        if (body is not null && !isRaw)
            _roots.Add(body);
        if (call.Value is not null)
            _roots.Add(value);
        string path = string.Concat(call.Target.Split('?')[0]);
        var inputs = call.PathInputs.Select(name => (Name: Names.Parameter(name), Wire: name)).ToList();
        foreach (var (name, wire) in inputs)
            path = path.Replace("{" + wire + "}", "{" + name + "}", StringComparison.Ordinal);
        string variant = call.Target.Contains('?', StringComparison.Ordinal) ? call.Target[(call.Target.IndexOf('?') + 1)..] : "";
        var (returns, send) = call.Kind switch
        {
            AnswerKind.Empty => ("Task", "SendAsync"),
            AnswerKind.Value => ($"Task<LxdAnswer<{value}>>", "GetValueAsync"),
            AnswerKind.Operation => ("Task<LxdOperation>", "BeginAsync"),
            AnswerKind.EmptyOrOperation => ("Task<LxdOperation?>", "SendOrBeginAsync"),
            AnswerKind.Raw => ("Task<HttpResponse>", "OpenAsync"),
            AnswerKind.WebSocket or AnswerKind.Event => ("Task<WebSocketConnection>", "OpenWebSocketAsync"),
            _ => ("Task<Connection>", "OpenConnectionAsync"),
        };
        string takes = string.Join(", ", call.Inputs.Select(input => $"<see cref=\"LxdCall.{InputName(input)}\"/>"));
        text.Append($"    /// <summary><c>{call.Method.ToUpperInvariant()} {Escape(call.Target)}</c>{(call.Servers.Count == 1 ? $", {call.Servers[0]} only" : "")}.{(takes.Length > 0 ? $" The call may carry {takes}." : "")}</summary>\n");
        foreach (var (name, wire) in inputs)
            text.Append($"    /// <param name=\"{name.TrimStart('@')}\">The path's <c>{wire}</c>.</param>\n");
        if (body is not null)
            text.Append($"    /// <param name=\"body\">{(isRaw ? "What is sent as it is" : "What is sent")}.</param>\n");
        text.Append("    /// <param name=\"call\">What goes with it; null for nothing.</param>\n    /// <param name=\"cancellationToken\">Ends the wait for the answer.</param>\n");
        text.Append($"    public {returns} {Names.Pascal(call.Id)}Async({string.Concat(inputs.Select(input => $"string {input.Name}, "))}{(body is null ? "" : $"{body} body, ")}LxdCall? call = null, CancellationToken cancellationToken = default) =>\n");
        string sent = body is null ? "" : isRaw ? ", body" : $", Json(body, LxdJson.Default.{RootName(body)})";
        string read = call.Value is not null && call.Kind == AnswerKind.Value ? $", LxdJson.Default.{RootName(value)}" : "";
        text.Append($"        {send}(LxdApi.{Names.Pascal(call.Id)}, Path($\"{path}\"), {(variant.Length == 0 ? "null" : $"\"{variant}\"")}, call{sent}{read}, cancellationToken);\n");
    }

    private void EmitInputs()
    {
        var text = Begin("");
        text.Append("public sealed partial class LxdCall\n{\n");
        string[] own = ["project", "target", "all-projects", "filter"];
        var inputs = calls.SelectMany(call => call.Call.Inputs).Distinct().OrderBy(input => Array.IndexOf(own, input) is >= 0 and var at ? at : 99).ThenBy(input => input, StringComparer.Ordinal).ToList();
        foreach (string input in inputs)
        {
            bool isHeader = input.StartsWith("header:", StringComparison.Ordinal);
            text.Append($"    /// <summary>{(isHeader ? $"The header <c>X-LXD-{input[7..]}</c> or <c>X-Incus-{input[7..]}</c>" : $"<c>{input}</c> of the query")}.</summary>\n");
            text.Append($"    public {InputType(input)}? {InputName(input)} {{ get; init; }}\n\n");
        }

        text.Append("    /// <summary>What is set, by the name it has on the wire; headers begin with <c>header:</c>.</summary>\n    private IEnumerable<(string Name, string Value)> Inputs()\n    {\n");
        foreach (string input in inputs)
        {
            string name = InputName(input);
            text.Append($"        if ({name} is {{ }} {Names.Parameter(name + "_value")})\n            yield return (\"{input}\", {Written(input, Names.Parameter(name + "_value"))});\n");
        }

        _files.Add($"{SourceDirectory}/LxdCall.g.cs", text.Append("    }\n}\n").ToString());
    }

    private void EmitTable()
    {
        var text = Begin("");
        text.Append("/// <summary>Every operation of the API.</summary>\ninternal static class LxdApi\n{\n");
        foreach (var (shape, call) in calls)
        {
            string extension = Extensions.Of(call, shape.Split(' ')[1]) is { } name ? $"\"{name}\"" : "null";
            text.Append($"    public static readonly LxdApiOperation {Names.Pascal(call.Id)} = new(\"{Names.Pascal(call.Id)}\", HttpMethod.{Names.Pascal(call.Method)}, \"{call.Target}\", {(call.Servers.Count == 1 ? "isIncusOnly: true" : "isIncusOnly: false")}, {extension}, [{string.Join(", ", call.Inputs.Select(input => $"\"{input}\""))}]);\n");
        }

        text.Append("\n    /// <summary>All of them.</summary>\n    public static IReadOnlyList<LxdApiOperation> All { get; } =\n    [\n");
        foreach (var (_, call) in calls)
            text.Append($"        {Names.Pascal(call.Id)},\n");
        _files.Add($"{SourceDirectory}/LxdApi.g.cs", text.Append("    ];\n}\n").ToString());
    }

    private void EmitModels()
    {
        _types.Of(sources[^1].Calls["get /1.0/events"].Value!);
        _roots.Add("LxdEvent");

        // What tokens hold; no operation answers it by itself.
        _roots.Add(_types.Of(new YamlNode { Entries = { ("$ref", new YamlNode { Text = "#/definitions/CertificateAddToken" }) } }));
        foreach (var group in _types.Models.GroupBy(model => Names.Group(model.Key[3..])))
        {
            var text = Begin("using System.CodeDom.Compiler;\nusing System.Text.Json;\nusing System.Text.Json.Serialization;\n");
            bool isFirst = true;
            foreach (var (name, properties) in group)
            {
                text.Append(isFirst ? "" : "\n");
                isFirst = false;
                text.Append($"/// <summary><c>{name[3..]}</c> of the API. What is null is not sent, or was not said.</summary>\n[GeneratedCode(\"generate-lxd\", null)]\npublic sealed class {name}\n{{\n");
                foreach (var (json, type) in properties)
                    text.Append($"    /// <summary><c>{json}</c>.</summary>\n    [JsonPropertyName(\"{json}\")]\n    public {type}? {PropertyName(name, json)} {{ get; set; }}\n\n");
                text.Append("    /// <summary>What a newer server says beside; sent back as it came.</summary>\n    [JsonExtensionData]\n    public IDictionary<string, JsonElement>? Others { get; set; }\n}\n");
            }

            _files.Add($"{SourceDirectory}/{group.Key}.g.cs", text.ToString());
        }
    }

    private void EmitJson()
    {
        var text = Begin("using System.Text.Json;\nusing System.Text.Json.Serialization;\n");
        text.Append("[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Metadata)]\n");
        foreach (string root in _roots)
            text.Append($"[JsonSerializable(typeof({root}){(root.Contains('<', StringComparison.Ordinal) ? $", TypeInfoPropertyName = \"{RootName(root)}\"" : "")})]\n");
        text.Append("internal sealed partial class LxdJson : JsonSerializerContext;\n");
        _files.Add($"{SourceDirectory}/LxdJson.g.cs", text.ToString());
    }

    private static StringBuilder Begin(string usings) => new StringBuilder(Head).Append(usings).Append(usings.Length > 0 ? "\n" : "").Append("namespace Hypervisor.Sdk.Lxd;\n\n");

    private static string RootName(string type) => type switch
    {
        "string" => "String",
        "JsonElement" => "JsonElement",
        _ when type.StartsWith("IList<", StringComparison.Ordinal) => "ListOf" + RootName(type[6..^1]),
        _ when type.StartsWith("IDictionary<string, ", StringComparison.Ordinal) => "MapOf" + RootName(type[20..^1]),
        _ => type,
    };

    private static string PropertyName(string model, string json)
    {
        string name = Names.Pascal(json);
        return name == model || name == "Others" ? name + "Value" : name;
    }

    private static string InputName(string input) => input.StartsWith("header:", StringComparison.Ordinal) ? "Header" + Names.Pascal(input[7..]) : Names.Pascal(input);

    private static string InputType(string input) => input switch { "all-projects" or "force" => "bool", "timeout" => "int", _ => "string" };

    private static string Written(string input, string name) => InputType(input) switch
    {
        "bool" => $"{name} ? \"true\" : \"false\"",
        "int" => $"{name}.ToString(System.Globalization.CultureInfo.InvariantCulture)",
        _ => name,
    };

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal);
}
