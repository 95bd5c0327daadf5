using System.Buffers;
using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.State;
using ImageFormat = Hypervisor.Sdk.DiskImages.ImageFormat;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// A disk as QEMU's block layer wants it (BlockdevOptions): its format and everything below it stated, so that nothing is probed and no name in a header is followed. The same JSON goes into <c>-blockdev</c> and
/// into <c>blockdev-add</c>. The node is called as the disk, or as it was called when it came into its place while the machine ran; the one of its file is called so with <c>-file</c> behind.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class BlockNode
{
    /// <summary>Writes the node of a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="pathOf">Where QEMU finds a file: by its name in the machine's own directory, or by its path elsewhere.</param>
    public static string ToJson(DiskConfig disk, Func<string?, string?, string> pathOf) => Write(json =>
    {
        var image = new Image(disk.Format, disk.Remote is null ? pathOf(disk.File, disk.ExternalPath) : "", pathOf, disk.NodeName)
        {
            IsDevice = disk.IsDevice,
            Key = disk.Passphrase is null ? null : PassphraseOf(disk.NodeName),
            Discard = disk.KeepsDiscarded ? "ignore" : "unmap",
        };
        if (disk.Remote is null && (disk.Passphrase is null || disk.File is not null))
            WriteImage(json, image, disk.Backing, disk.ReadOnly, image.Key, zeroes: disk.DetectZeroes);
        else
            WriteAlone(json, disk, image);
    });

    /// <summary>The secret object that opens the node of a disk, and the images below it.</summary>
    public static string PassphraseOf(string node) => $"hv-key-{node}";

    /// <summary>The secret object by which a disk's server knows who asks.</summary>
    public static string LoginOf(DiskConfig disk) => $"hv-login-{disk.Id}";

    /// <summary>A secret object whose content is in a file in memory.</summary>
    public static string SecretToJson(string id, string path, bool isBase64) => Write(json =>
    {
        json.WriteString("qom-type", "secret");
        json.WriteString("id", id);
        json.WriteString("file", path);
        if (isBase64)
            json.WriteString("format", "base64");
    });

    /// <summary>How long a guest's reads and writes wait for an NBD server that has gone; then they fail.</summary>
    private const int ReconnectSeconds = 30;

    /// <summary>How the nodes of images in CD drives begin.</summary>
    public const string CdPrefix = "hv-medium-";

    /// <summary>The node of the image in a CD drive: another for each image, so that what is in the drive is known by its name.</summary>
    public static string CdNodeOf(DiskConfig cd) => CdPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{cd.Id}\n{cd.ExternalPath}")).AsSpan(0, 5));

    /// <summary>Writes the node of a CD image.</summary>
    public static string CdToJson(string nodeName, string path) => Write(json =>
    {
        json.WriteString("driver", ImageFormat.Raw);
        json.WriteString("node-name", nodeName);
        json.WriteBoolean("read-only", true);
        WriteFile(json, path, false, readOnly: true, nodeName + "-file");
    });

    /// <summary>Writes the node of a writable image that is no disk.</summary>
    public static string ImageToJson(string nodeName, string format, string path) => Write(json => WriteImage(json, new Image(format, path, (_, _) => path, nodeName), [], readOnly: false));

    /// <summary>Writes a JSON object.</summary>
    public static string Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Somebody else's volume that is encrypted or elsewhere: always alone.</summary>
    private static void WriteAlone(Utf8JsonWriter json, DiskConfig disk, Image image)
    {
        bool isLuks = image.Key is not null && disk.Format == ImageFormat.Raw;
        json.WriteString("driver", isLuks ? "luks" : disk.Format);
        WriteNode(json, image, disk.ReadOnly, disk.DetectZeroes);
        if (isLuks)
            json.WriteString("key-secret", image.Key);
        else
            WriteKey(json, image.Key);
        if (disk.Format == ImageFormat.Qcow2)
            json.WriteNull("backing");
        if (disk.Remote is not { } remote)
        {
            WriteFile(json, image.Path, disk.IsDevice, disk.ReadOnly, disk.NodeName + "-file", discard: image.Discard);
            return;
        }

        json.WriteStartObject("file");
        json.WriteString("driver", remote.Kind);
        json.WriteString("node-name", disk.NodeName + "-file");
        json.WriteBoolean("read-only", disk.ReadOnly);
        if (!disk.ReadOnly)
            json.WriteString("discard", image.Discard);
        WriteRemote(json, disk, remote);
        json.WriteEndObject();
    }

    /// <summary>What every node of a disk says of itself.</summary>
    private static void WriteNode(Utf8JsonWriter json, Image image, bool readOnly, ZeroDetection zeroes)
    {
        if (image.Node is not null)
            json.WriteString("node-name", image.Node);
        json.WriteBoolean("read-only", readOnly);
        if (readOnly)
            return;
        json.WriteString("discard", image.Discard);
        if (zeroes != ZeroDetection.Off)
            json.WriteString("detect-zeroes", zeroes == ZeroDetection.Discard ? "unmap" : "on");
    }

    private static void WriteKey(Utf8JsonWriter json, string? key)
    {
        if (key is null)
            return;
        json.WriteStartObject("encrypt");
        json.WriteString("format", "luks");
        json.WriteString("key-secret", key);
        json.WriteEndObject();
    }

    private static void WriteRemote(Utf8JsonWriter json, DiskConfig disk, RemoteConfig remote)
    {
        switch (remote.Kind)
        {
            case RemoteConfig.Nbd:
                json.WriteStartObject("server");
                json.WriteString("type", remote.Socket is null ? "inet" : "unix");
                if (remote.Socket is not null)
                {
                    json.WriteString("path", remote.Socket);
                }
                else
                {
                    json.WriteString("host", remote.Host);
                    json.WriteString("port", remote.Port.ToString(CultureInfo.InvariantCulture));
                }

                json.WriteEndObject();
                json.WriteString("export", remote.Name);
                json.WriteNumber("reconnect-delay", ReconnectSeconds);
                break;
            case RemoteConfig.Iscsi:
                json.WriteString("transport", "tcp");
                json.WriteString("portal", string.Create(CultureInfo.InvariantCulture, $"{(remote.Host!.Contains(':', StringComparison.Ordinal) ? $"[{remote.Host}]" : remote.Host)}:{remote.Port}"));
                json.WriteString("target", remote.Name);
                json.WriteNumber("lun", remote.Lun);
                if (remote.User is not null)
                {
                    json.WriteString("user", remote.User);
                    json.WriteString("password-secret", LoginOf(disk));
                }

                break;
            default:
                json.WriteString("pool", remote.Pool);
                if (remote.Namespace is not null)
                    json.WriteString("namespace", remote.Namespace);
                json.WriteString("user", remote.User);
                json.WriteString("image", remote.Name);
                json.WriteString("conf", remote.ConfigurationPath);
                json.WriteString("key-secret", LoginOf(disk));
                break;
        }
    }

    private static void WriteImage(Utf8JsonWriter json, Image image, IEnumerable<BackingConfig> below, bool readOnly, string? key = null, bool isBelow = false, ZeroDetection zeroes = ZeroDetection.Off)
    {
        json.WriteString("driver", image.Format);
        WriteNode(json, image, readOnly, zeroes);
        WriteFile(json, image.Path, image.IsDevice, readOnly, image.Node is null ? null : image.Node + "-file", inherits: isBelow && image.Node is not null, discard: image.Discard);
        if (image.Format != ImageFormat.Qcow2)
            return;
        WriteKey(json, image.Key);
        json.WritePropertyName("backing");
        if (below.FirstOrDefault() is { } backing)
        {
            json.WriteStartObject();
            var next = image with { Format = backing.Format, Path = image.PathOf(backing.File, backing.ExternalPath), IsDevice = false, Node = backing.Node, Key = backing.IsEncrypted ? key : null };
            WriteImage(json, next, below.Skip(1), readOnly: true, key, isBelow: true);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private static void WriteFile(Utf8JsonWriter json, string path, bool isDevice, bool readOnly, string? nodeName, bool inherits = false, string discard = "unmap")
    {
        json.WriteStartObject("file");
        json.WriteString("driver", isDevice ? "host_device" : "file");
        json.WriteString("filename", path);
        // What is read only now and may be written into when it is merged with the one above, is so by the node upon it.
        if (!inherits)
            json.WriteBoolean("read-only", readOnly);
        if (!readOnly)
            json.WriteString("discard", discard);
        if (nodeName is not null)
            json.WriteString("node-name", nodeName);
        json.WriteEndObject();
    }

    /// <summary>An image as it is written: where it is, what its node is called, what opens it, and what is done with what is given back.</summary>
    private sealed record Image(string Format, string Path, Func<string?, string?, string> PathOf, string? Node)
    {
        public bool IsDevice { get; init; }

        public string? Key { get; init; }

        public string Discard { get; init; } = "unmap";
    }
}
