// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdCall
{
    /// <summary><c>project</c> of the query.</summary>
    public string? Project { get; init; }

    /// <summary><c>target</c> of the query.</summary>
    public string? Target { get; init; }

    /// <summary><c>all-projects</c> of the query.</summary>
    public bool? AllProjects { get; init; }

    /// <summary><c>filter</c> of the query.</summary>
    public string? Filter { get; init; }

    /// <summary><c>force</c> of the query.</summary>
    public bool? Force { get; init; }

    /// <summary><c>format</c> of the query.</summary>
    public string? Format { get; init; }

    /// <summary>The header <c>X-LXD-aliases</c> or <c>X-Incus-aliases</c>.</summary>
    public string? HeaderAliases { get; init; }

    /// <summary>The header <c>X-LXD-filename</c> or <c>X-Incus-filename</c>.</summary>
    public string? HeaderFilename { get; init; }

    /// <summary>The header <c>X-LXD-fingerprint</c> or <c>X-Incus-fingerprint</c>.</summary>
    public string? HeaderFingerprint { get; init; }

    /// <summary>The header <c>X-LXD-gid</c> or <c>X-Incus-gid</c>.</summary>
    public string? HeaderGid { get; init; }

    /// <summary>The header <c>X-LXD-mode</c> or <c>X-Incus-mode</c>.</summary>
    public string? HeaderMode { get; init; }

    /// <summary>The header <c>X-LXD-profiles</c> or <c>X-Incus-profiles</c>.</summary>
    public string? HeaderProfiles { get; init; }

    /// <summary>The header <c>X-LXD-properties</c> or <c>X-Incus-properties</c>.</summary>
    public string? HeaderProperties { get; init; }

    /// <summary>The header <c>X-LXD-public</c> or <c>X-Incus-public</c>.</summary>
    public string? HeaderPublic { get; init; }

    /// <summary>The header <c>X-LXD-secret</c> or <c>X-Incus-secret</c>.</summary>
    public string? HeaderSecret { get; init; }

    /// <summary>The header <c>X-LXD-type</c> or <c>X-Incus-type</c>.</summary>
    public string? HeaderType { get; init; }

    /// <summary>The header <c>X-LXD-uid</c> or <c>X-Incus-uid</c>.</summary>
    public string? HeaderUid { get; init; }

    /// <summary>The header <c>X-LXD-write</c> or <c>X-Incus-write</c>.</summary>
    public string? HeaderWrite { get; init; }

    /// <summary><c>path</c> of the query.</summary>
    public string? Path { get; init; }

    /// <summary><c>secret</c> of the query.</summary>
    public string? Secret { get; init; }

    /// <summary><c>timeout</c> of the query.</summary>
    public int? Timeout { get; init; }

    /// <summary><c>type</c> of the query.</summary>
    public string? Type { get; init; }

    /// <summary>What is set, by the name it has on the wire; headers begin with <c>header:</c>.</summary>
    private IEnumerable<(string Name, string Value)> Inputs()
    {
        if (Project is { } projectValue)
            yield return ("project", projectValue);
        if (Target is { } targetValue)
            yield return ("target", targetValue);
        if (AllProjects is { } allProjectsValue)
            yield return ("all-projects", allProjectsValue ? "true" : "false");
        if (Filter is { } filterValue)
            yield return ("filter", filterValue);
        if (Force is { } forceValue)
            yield return ("force", forceValue ? "true" : "false");
        if (Format is { } formatValue)
            yield return ("format", formatValue);
        if (HeaderAliases is { } headerAliasesValue)
            yield return ("header:aliases", headerAliasesValue);
        if (HeaderFilename is { } headerFilenameValue)
            yield return ("header:filename", headerFilenameValue);
        if (HeaderFingerprint is { } headerFingerprintValue)
            yield return ("header:fingerprint", headerFingerprintValue);
        if (HeaderGid is { } headerGidValue)
            yield return ("header:gid", headerGidValue);
        if (HeaderMode is { } headerModeValue)
            yield return ("header:mode", headerModeValue);
        if (HeaderProfiles is { } headerProfilesValue)
            yield return ("header:profiles", headerProfilesValue);
        if (HeaderProperties is { } headerPropertiesValue)
            yield return ("header:properties", headerPropertiesValue);
        if (HeaderPublic is { } headerPublicValue)
            yield return ("header:public", headerPublicValue);
        if (HeaderSecret is { } headerSecretValue)
            yield return ("header:secret", headerSecretValue);
        if (HeaderType is { } headerTypeValue)
            yield return ("header:type", headerTypeValue);
        if (HeaderUid is { } headerUidValue)
            yield return ("header:uid", headerUidValue);
        if (HeaderWrite is { } headerWriteValue)
            yield return ("header:write", headerWriteValue);
        if (Path is { } pathValue)
            yield return ("path", pathValue);
        if (Secret is { } secretValue)
            yield return ("secret", secretValue);
        if (Timeout is { } timeoutValue)
            yield return ("timeout", timeoutValue.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (Type is { } typeValue)
            yield return ("type", typeValue);
    }
}
