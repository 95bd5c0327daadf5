using System.Text;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// The CD from which cloud-init reads what a machine is to become: its data source NoCloud, a volume named <c>cidata</c> with <c>meta-data</c>, <c>user-data</c> and, where they are given, <c>network-config</c> and <c>vendor-data</c>.
/// </summary>
/// <remarks>Source: cloud-init's documentation of NoCloud. The documents are handed on as they are; <c>Hypervisor.Sdk.CloudInit</c> writes them from typed settings.</remarks>
public static class CloudInitSeed
{
    /// <summary>The name of the volume.</summary>
    public const string Label = "cidata";

    /// <summary>The most bytes of one document: 1 MiB.</summary>
    public const int MaxDocumentBytes = 1 << 20;

    private static readonly string[] s_beginnings =
        ["#cloud-config", "#!", "#include", "#cloud-boothook", "#part-handler", "#upstart-job", "#cloud-config-archive", "#cloud-config-jsonp", "## template: jinja", "Content-Type: multipart", "From nobody", "MIME-Version:"];

    /// <summary>Makes the CD.</summary>
    /// <param name="data">What cloud-init is to read.</param>
    /// <param name="instanceId">Tells cloud-init whether this is a new machine, where the data do not say it: another one makes it begin anew.</param>
    /// <param name="hostName">The guest's host name, where the data do not say it.</param>
    /// <param name="created">When.</param>
    /// <exception cref="HypervisorException">
    /// A document is too large or not one that cloud-init knows, or a name breaks its rule (<see cref="ErrorCode.InvalidArgument"/>, the fields beginning with <c>cloudInit</c>). No message shows a document: they may hold secrets.
    /// </exception>
    public static byte[] Create(CloudInitData data, string instanceId, string hostName, DateTimeOffset created)
    {
        return IsoImage.Create(Label, Files(data, instanceId, hostName), created);
    }

    /// <summary>The same by a program of the system.</summary>
    /// <param name="data">What cloud-init is to read.</param>
    /// <param name="instanceId">As for <see cref="Create"/>.</param>
    /// <param name="hostName">As for <see cref="Create"/>.</param>
    /// <param name="builder">Makes the image.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <exception cref="HypervisorException">As <see cref="Create"/> says, or the program fails (<see cref="IsoBuilder.CreateAsync"/>).</exception>
    public static Task<byte[]> CreateAsync(CloudInitData data, string instanceId, string hostName, IsoBuilder builder, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.CreateAsync(Label, Files(data, instanceId, hostName), cancellationToken);
    }

    private static List<IsoFile> Files(CloudInitData data, string instanceId, string hostName)
    {
        Check(data);
        ArgumentNullException.ThrowIfNull(instanceId);
        ArgumentNullException.ThrowIfNull(hostName);
        var files = new List<IsoFile>
        {
            new("meta-data", Encoding.UTF8.GetBytes($"instance-id: \"{CheckId(data.InstanceDataId ?? instanceId)}\"\nlocal-hostname: \"{CheckHostName(data.HostName ?? hostName)}\"\n")),
            // NoCloud takes a volume without it for another's.
            new("user-data", Bytes(data.UserData ?? "#cloud-config\n{}\n")),
        };
        if (data.NetworkConfig is { } network)
            files.Add(new IsoFile("network-config", Bytes(network)));
        if (data.VendorData is { } vendor)
            files.Add(new IsoFile("vendor-data", Bytes(vendor)));
        return files;
    }

    /// <summary>Looks whether data can be put on a CD.</summary>
    /// <param name="data">What cloud-init is to read.</param>
    /// <exception cref="HypervisorException">As <see cref="Create"/> says.</exception>
    public static void Check(CloudInitData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.InstanceDataId is { } id)
            CheckId(id);
        if (data.HostName is { } name)
            CheckHostName(name);
        CheckDocument(data.UserData, "userData");
        CheckDocument(data.VendorData, "vendorData");
        if (data.NetworkConfig is { } network)
        {
            CheckSize(network, "networkConfig");
            if (string.IsNullOrWhiteSpace(network))
                throw Invalid("networkConfig", "it is empty; leave it away, or say version 2 and the interfaces");
        }
    }

    private static void CheckDocument(string? document, string field)
    {
        if (document is null)
            return;
        CheckSize(document, field);
        if (!Array.Exists(s_beginnings, beginning => document.StartsWith(beginning, StringComparison.Ordinal)))
            throw Invalid(field, "cloud-init would skip it: the first line must say what it is, most often '#cloud-config', or '#!' and a program");
    }

    private static void CheckSize(string document, string field)
    {
        if (document.Length > MaxDocumentBytes || Encoding.UTF8.GetByteCount(document) > MaxDocumentBytes)
            throw Invalid(field, $"it is larger than {MaxDocumentBytes} bytes");
        if (document.Contains('\0', StringComparison.Ordinal))
            throw Invalid(field, "it has a NUL character in it");
    }

    private static string CheckId(string id) =>
        id.Length is > 0 and <= 128 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':' or '/') ? id : throw Invalid("instanceDataId", "1 to 128 letters, digits, '-', '_', '.', ':' and '/'");

    /// <summary>A host name, or one with its domain (RFC 1123).</summary>
    private static string CheckHostName(string name) =>
        name.Length is > 0 and <= 253 && name.Split('.').All(label => label.Length is > 0 and <= 63 && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && label[0] != '-' && label[^1] != '-')
            ? name
            : throw Invalid("hostName", "names of 1 to 63 letters, digits and '-' between dots, not beginning or ending with '-' (RFC 1123)");

    private static byte[] Bytes(string document) => Encoding.UTF8.GetBytes(document);

    private static HypervisorException Invalid(string field, string why) => new($"The data for cloud-init cannot be handed over: {field}: {why}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent)
    {
        FieldErrors = new Dictionary<string, string> { [$"cloudInit.{field}"] = why },
    };
}
