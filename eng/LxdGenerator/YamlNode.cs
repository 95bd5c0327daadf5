namespace Hypervisor.Sdk.Eng.LxdGenerator;

/// <summary>A mapping, a sequence or a scalar.</summary>
internal sealed class YamlNode
{
    public static YamlNode Empty { get; } = new();

    public string? Text { get; init; }

    public List<(string Key, YamlNode Value)> Entries { get; } = [];

    public List<YamlNode> Items { get; } = [];

    public bool Has(string key) => Entries.Exists(entry => entry.Key == key);

    public YamlNode this[string key] => Entries.Find(entry => entry.Key == key).Value ?? Empty;
}
