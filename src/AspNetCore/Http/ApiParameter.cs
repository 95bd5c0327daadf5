namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A query parameter of a route.</summary>
internal sealed record ApiParameter(string Name, string Description, string Type = "string")
{
    public bool Accepts(string name) => Name.EndsWith('*') ? name.StartsWith(Name[..^1], StringComparison.Ordinal) && name.Length > Name.Length - 1 : name == Name;
}
