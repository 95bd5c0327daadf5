using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// Where what cloud-init reads stands in a container's configuration: <c>cloud-init.user-data</c> and its like, or <c>user.user-data</c> where a server has only those. The guest gets it by the templates of its image, or asks the server
/// itself (<c>/dev/lxd</c>, <c>/dev/incus</c>). What is not said the server makes up: the host name is the container's, the instance id another one after each copy.
/// </summary>
internal static class CloudInitKeys
{
    /// <summary>The API extension by which the keys have a prefix of their own.</summary>
    public const string Extension = "cloud_init";

    /// <summary>What both servers add to the meta-data that they make up; of a key that is there twice, cloud-init takes the last.</summary>
    public const string MetaData = "user.meta-data";

    public const string UserData = "user-data";
    public const string VendorData = "vendor-data";
    public const string NetworkConfig = "network-config";

    private const string Prefix = "cloud-init.";
    private const string Auto = "auto";
    private const int LongestName = 253;

    public static IReadOnlyList<string> Documents { get; } = [UserData, VendorData, NetworkConfig];

    public static void Refuse(CloudInitData data)
    {
        if (data.Delivery is not (null or Auto))
            throw Refusal.Unsupported("cloudInit.delivery", $"'{data.Delivery}' is no way here: the servers hand it over by themselves, '{Auto}'.");
        foreach (var (field, text) in new[] { ("cloudInit.userData", data.UserData), ("cloudInit.vendorData", data.VendorData), ("cloudInit.networkConfig", data.NetworkConfig) })
        {
            if (text?.Contains('\0', StringComparison.Ordinal) is true)
                throw Refusal.Invalid(field, "a document has no NUL character.");
        }

        if (data.HostName is { } host && !(host.Length is > 0 and <= LongestName && char.IsAsciiLetterOrDigit(host[0]) && host.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '.')))
            throw Refusal.Invalid("cloudInit.hostName", $"a host name is 1 to {LongestName} letters, digits, '-' and '.', the first of them a letter or a digit.");
        if (data.InstanceDataId is { } id && !(id.Length is > 0 and <= LongestName && id.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_' or ':')))
            throw Refusal.Invalid("cloudInit.instanceDataId", $"it is 1 to {LongestName} letters, digits, '-', '_', '.' and ':'.");
    }

    /// <summary>Adds the keys to the configuration of a container that is to be made.</summary>
    public static void Write(CloudInitData data, bool hasPrefix, Dictionary<string, string> config)
    {
        foreach (var (document, text) in new[] { (UserData, data.UserData), (VendorData, data.VendorData), (NetworkConfig, data.NetworkConfig) })
        {
            if (text is { Length: > 0 })
                config[(hasPrefix ? Prefix : ContainerRules.UserPrefix) + document] = text;
        }

        string meta = (data.InstanceDataId is { } id ? $"instance-id: \"{id}\"\n" : "") + (data.HostName is { } host ? $"local-hostname: \"{host}\"\n" : "");
        if (meta.Length > 0)
            config[MetaData] = meta;
    }
}
