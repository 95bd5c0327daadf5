// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Image</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImage
{
    /// <summary><c>aliases</c>.</summary>
    [JsonPropertyName("aliases")]
    public IList<LxdImageAlias>? Aliases { get; set; }

    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>auto_update</c>.</summary>
    [JsonPropertyName("auto_update")]
    public bool? AutoUpdate { get; set; }

    /// <summary><c>cached</c>.</summary>
    [JsonPropertyName("cached")]
    public bool? Cached { get; set; }

    /// <summary><c>created_at</c>.</summary>
    [JsonPropertyName("created_at")]
    public DateTimeOffset? CreatedAt { get; set; }

    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary><c>filename</c>.</summary>
    [JsonPropertyName("filename")]
    public string? Filename { get; set; }

    /// <summary><c>fingerprint</c>.</summary>
    [JsonPropertyName("fingerprint")]
    public string? Fingerprint { get; set; }

    /// <summary><c>last_used_at</c>.</summary>
    [JsonPropertyName("last_used_at")]
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>properties</c>.</summary>
    [JsonPropertyName("properties")]
    public IDictionary<string, string>? Properties { get; set; }

    /// <summary><c>public</c>.</summary>
    [JsonPropertyName("public")]
    public bool? Public { get; set; }

    /// <summary><c>size</c>.</summary>
    [JsonPropertyName("size")]
    public long? Size { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>update_source</c>.</summary>
    [JsonPropertyName("update_source")]
    public LxdImageSource? UpdateSource { get; set; }

    /// <summary><c>uploaded_at</c>.</summary>
    [JsonPropertyName("uploaded_at")]
    public DateTimeOffset? UploadedAt { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageAlias</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageAlias
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageAliasesEntry</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageAliasesEntry
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>target</c>.</summary>
    [JsonPropertyName("target")]
    public string? Target { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageAliasesEntryPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageAliasesEntryPost
{
    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageAliasesEntryPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageAliasesEntryPut
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>target</c>.</summary>
    [JsonPropertyName("target")]
    public string? Target { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageAliasesPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageAliasesPost
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>target</c>.</summary>
    [JsonPropertyName("target")]
    public string? Target { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageExportPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageExportPost
{
    /// <summary><c>aliases</c>.</summary>
    [JsonPropertyName("aliases")]
    public IList<LxdImageAlias>? Aliases { get; set; }

    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>secret</c>.</summary>
    [JsonPropertyName("secret")]
    public string? Secret { get; set; }

    /// <summary><c>target</c>.</summary>
    [JsonPropertyName("target")]
    public string? Target { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageMetadata</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageMetadata
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>creation_date</c>.</summary>
    [JsonPropertyName("creation_date")]
    public long? CreationDate { get; set; }

    /// <summary><c>expiry_date</c>.</summary>
    [JsonPropertyName("expiry_date")]
    public long? ExpiryDate { get; set; }

    /// <summary><c>properties</c>.</summary>
    [JsonPropertyName("properties")]
    public IDictionary<string, string>? Properties { get; set; }

    /// <summary><c>templates</c>.</summary>
    [JsonPropertyName("templates")]
    public IDictionary<string, LxdImageMetadataTemplate>? Templates { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageMetadataTemplate</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageMetadataTemplate
{
    /// <summary><c>create_only</c>.</summary>
    [JsonPropertyName("create_only")]
    public bool? CreateOnly { get; set; }

    /// <summary><c>properties</c>.</summary>
    [JsonPropertyName("properties")]
    public IDictionary<string, string>? Properties { get; set; }

    /// <summary><c>template</c>.</summary>
    [JsonPropertyName("template")]
    public string? Template { get; set; }

    /// <summary><c>when</c>.</summary>
    [JsonPropertyName("when")]
    public IList<string>? When { get; set; }

    /// <summary><c>gid</c>.</summary>
    [JsonPropertyName("gid")]
    public string? Gid { get; set; }

    /// <summary><c>mode</c>.</summary>
    [JsonPropertyName("mode")]
    public string? Mode { get; set; }

    /// <summary><c>uid</c>.</summary>
    [JsonPropertyName("uid")]
    public string? Uid { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImagePut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImagePut
{
    /// <summary><c>auto_update</c>.</summary>
    [JsonPropertyName("auto_update")]
    public bool? AutoUpdate { get; set; }

    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>properties</c>.</summary>
    [JsonPropertyName("properties")]
    public IDictionary<string, string>? Properties { get; set; }

    /// <summary><c>public</c>.</summary>
    [JsonPropertyName("public")]
    public bool? Public { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImageSource</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImageSource
{
    /// <summary><c>alias</c>.</summary>
    [JsonPropertyName("alias")]
    public string? Alias { get; set; }

    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>image_type</c>.</summary>
    [JsonPropertyName("image_type")]
    public string? ImageType { get; set; }

    /// <summary><c>protocol</c>.</summary>
    [JsonPropertyName("protocol")]
    public string? Protocol { get; set; }

    /// <summary><c>server</c>.</summary>
    [JsonPropertyName("server")]
    public string? Server { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImagesPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImagesPost
{
    /// <summary><c>aliases</c>.</summary>
    [JsonPropertyName("aliases")]
    public IList<LxdImageAlias>? Aliases { get; set; }

    /// <summary><c>auto_update</c>.</summary>
    [JsonPropertyName("auto_update")]
    public bool? AutoUpdate { get; set; }

    /// <summary><c>compression_algorithm</c>.</summary>
    [JsonPropertyName("compression_algorithm")]
    public string? CompressionAlgorithm { get; set; }

    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary><c>filename</c>.</summary>
    [JsonPropertyName("filename")]
    public string? Filename { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>properties</c>.</summary>
    [JsonPropertyName("properties")]
    public IDictionary<string, string>? Properties { get; set; }

    /// <summary><c>public</c>.</summary>
    [JsonPropertyName("public")]
    public bool? Public { get; set; }

    /// <summary><c>source</c>.</summary>
    [JsonPropertyName("source")]
    public LxdImagesPostSource? Source { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ImagesPostSource</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdImagesPostSource
{
    /// <summary><c>alias</c>.</summary>
    [JsonPropertyName("alias")]
    public string? Alias { get; set; }

    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>fingerprint</c>.</summary>
    [JsonPropertyName("fingerprint")]
    public string? Fingerprint { get; set; }

    /// <summary><c>image_type</c>.</summary>
    [JsonPropertyName("image_type")]
    public string? ImageType { get; set; }

    /// <summary><c>mode</c>.</summary>
    [JsonPropertyName("mode")]
    public string? Mode { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>protocol</c>.</summary>
    [JsonPropertyName("protocol")]
    public string? Protocol { get; set; }

    /// <summary><c>secret</c>.</summary>
    [JsonPropertyName("secret")]
    public string? Secret { get; set; }

    /// <summary><c>server</c>.</summary>
    [JsonPropertyName("server")]
    public string? Server { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>url</c>.</summary>
    [JsonPropertyName("url")]
    public string? Url { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
