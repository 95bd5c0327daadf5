using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>The API of one server at one version: its definitions and its operations.</summary>
internal sealed partial class Source
{
    private static readonly string[] s_methods = ["get", "head", "put", "post", "patch", "delete"];

    private Source(string server) => Server = server;

    public string Server { get; }

    public Dictionary<string, YamlNode> Definitions { get; } = [];

    public Dictionary<string, Call> Calls { get; } = [];

    public static Source Load(string server, string path)
    {
        var root = Yaml.Parse(File.ReadAllText(path));
        var source = new Source(server);
        foreach (var (name, definition) in root["definitions"].Entries)
            source.Definitions.Add(name, definition);
        foreach (var (target, operations) in root["paths"].Entries)
        {
            foreach (var (method, operation) in operations.Entries)
            {
                if (!s_methods.Contains(method))
                    throw new FormatException($"{target} has '{method}', which is no method.");
                var call = Call.Read(server, target, method, operation);
                source.Calls.Add($"{method} {PlaceholderPattern().Replace(target, "{}")}", call);
            }
        }

        return source;
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex PlaceholderPattern();
}
