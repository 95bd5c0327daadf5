namespace Hypervisor.Sdk.Lxd;

/// <summary>What goes with an image that a server takes in.</summary>
public sealed class LxdImageSpec
{
    /// <summary>The SHA-256 that it must have, in 64 hexadecimal digits. Default: whichever it has. Not for an image that is made of a container, whose fingerprint nobody knows before.</summary>
    public string? Fingerprint { get; set; }

    /// <summary>The aliases that are to name it; those of other images move to it. Default: none.</summary>
    public IList<string> Aliases { get; } = [];

    /// <summary>What is said of it beside: <c>os</c>, <c>release</c>, <c>description</c>. Of those of the same name in the image itself these win. Default: none.</summary>
    public IDictionary<string, string> Properties { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Whether clients that the server does not trust may have it. Default false.</summary>
    public bool IsPublic { get; set; }
}
