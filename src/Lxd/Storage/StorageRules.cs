namespace Hypervisor.Sdk.Lxd.Storage;

/// <summary>What is acceptable as a name or a key. Narrower than the servers, which would take a path for a name in some places.</summary>
internal static class StorageRules
{
    public const int LongestName = 63;

    /// <summary>The rule in words.</summary>
    public const string Names = "1 to 63 letters, digits, '-', '_' and '.', the first of them a letter or a digit";

    public static bool IsName(string? name) => name is { Length: > 0 and <= LongestName } && char.IsAsciiLetterOrDigit(name[0]) && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.');

    /// <summary>A key of a configuration: <c>volume.size</c>.</summary>
    public static bool IsKey(string? key) => key is { Length: > 0 and <= 255 } && key.Split('.').All(part => part.Length > 0 && part.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_'));
}
