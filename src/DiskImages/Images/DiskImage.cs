using System.Buffers;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>An image as its user states it: where it is, its format, and what is below it. Nothing of that is ever probed: a file stated as raw is raw, whatever its bytes look like.</summary>
public sealed class DiskImage
{
    private DiskImage(string path, string format)
    {
        if (!ImageFormat.IsKnown(format))
            throw new ArgumentException($"'{format}' is not a format of images here: '{ImageFormat.Raw}' or '{ImageFormat.Qcow2}'.", nameof(format));
        Path = path;
        Format = format;
    }

    /// <summary>Where it is: an absolute path.</summary>
    public string Path { get; }

    /// <summary>Its format: <see cref="ImageFormat.Raw"/> or <see cref="ImageFormat.Qcow2"/>.</summary>
    public string Format { get; }

    /// <summary>The image below, which has what this one does not. Default: none; a name of one in the header of this image is not looked at.</summary>
    public DiskImage? Backing { get; init; }

    /// <summary>The passphrase of an encrypted image (LUKS): of qcow2, or of a raw one that is a LUKS volume as a whole. It reaches programs in a file in memory, never among their arguments. Default: not encrypted. Linux only.</summary>
    public Secret? Passphrase { get; init; }

    /// <summary>Whether it was stated by an open file.</summary>
    internal bool IsInOpenFile { get; private init; }

    /// <summary>QEMU's driver of it.</summary>
    internal string Driver => Format == ImageFormat.Raw && Passphrase is not null ? "luks" : Format;

    private bool IsDevice { get; init; }

    /// <summary>How QEMU reaches it by a protocol, as the members of a JSON object; null for a file.</summary>
    private string? Protocol { get; init; }

    /// <summary>An image at a path.</summary>
    /// <param name="path">An absolute path. Any name will do, with commas, colons and whatever else: it is never parsed.</param>
    /// <param name="format"><see cref="ImageFormat.Raw"/> or <see cref="ImageFormat.Qcow2"/>.</param>
    /// <exception cref="ArgumentException">The path is not absolute or contains NUL, or the format is neither.</exception>
    public static DiskImage At(string path, string format)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!System.IO.Path.IsPathFullyQualified(path) || path.Contains('\0'))
            throw new ArgumentException($"'{path.Replace('\0', '?')}' is not an absolute path.", nameof(path));
        return new(path, format);
    }

    /// <summary>An image in an open file: a program that is started while it is open reaches exactly this file, whatever has happened to its name.</summary>
    /// <param name="file">The file; not disposed. It must stay open as long as the image is used.</param>
    /// <param name="format"><see cref="ImageFormat.Raw"/> or <see cref="ImageFormat.Qcow2"/>.</param>
    /// <param name="backing">The image below; null when there is none.</param>
    /// <exception cref="ArgumentException">The format is neither.</exception>
    /// <remarks>By way of /proc/PID/fd, which opens the file anew: with the rights of the program, and with locks of its own.</remarks>
    [SupportedOSPlatform("linux")]
    public static DiskImage InFile(SafeFileHandle file, string format, DiskImage? backing = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        using var descriptor = new Descriptor(file);
        return new($"/proc/{Environment.ProcessId}/fd/{(int)descriptor}", format) { Backing = backing, IsInOpenFile = true };
    }

    /// <summary>A raw image that an NBD server has.</summary>
    /// <param name="socketPath">The server's unix socket; null for one that is reached by TCP.</param>
    /// <param name="host">Its host, when it has no socket.</param>
    /// <param name="port">Its port there.</param>
    /// <param name="export">The name of the export.</param>
    /// <exception cref="ArgumentException">There is neither a socket nor a host.</exception>
    public static DiskImage AtNbd(string? socketPath, string? host, int port, string export)
    {
        ArgumentNullException.ThrowIfNull(export);
        if (socketPath is null == host is null)
            throw new ArgumentException("An NBD server has a socket or a host, one of both.", nameof(host));
        string server = socketPath is not null
            ? $$"""{"type":"unix","path":"{{JsonEncodedText.Encode(socketPath)}}"}"""
            : $$"""{"type":"inet","host":"{{JsonEncodedText.Encode(host!)}}","port":"{{port.ToString(System.Globalization.CultureInfo.InvariantCulture)}}"}""";
        return new($"nbd:{export}", ImageFormat.Raw) { Protocol = $$"""{"driver":"nbd","server":{{server}},"export":"{{JsonEncodedText.Encode(export)}}"}""" };
    }

    /// <summary>The same image upon another one.</summary>
    /// <param name="backing">The image below; null for none.</param>
    public DiskImage WithBacking(DiskImage? backing) => Copy(backing, Passphrase);

    /// <summary>The same image, which is a block device and not a file.</summary>
    public DiskImage AsDevice() => new(Path, Format) { Backing = Backing, Passphrase = Passphrase, IsInOpenFile = IsInOpenFile, IsDevice = true };

    /// <summary>The same image with the passphrase that opens it.</summary>
    /// <param name="passphrase">The passphrase; null when it is not encrypted.</param>
    public DiskImage WithPassphrase(Secret? passphrase) => Copy(Backing, passphrase);

    private DiskImage Copy(DiskImage? backing, Secret? passphrase) => new(Path, Format) { Backing = backing, Passphrase = passphrase, IsInOpenFile = IsInOpenFile, IsDevice = IsDevice, Protocol = Protocol };

    /// <summary>The image as a QEMU <c>json:</c> file name: its format and its whole chain stated, its path a value that nothing parses.</summary>
    /// <param name="keyIds">The ids of the secret objects, by passphrase.</param>
    internal string ToFileName(Func<Secret, string> keyIds)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
            Write(json, keyIds, isTop: true);
        return "json:" + Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private void Write(Utf8JsonWriter json, Func<Secret, string> keyIds, bool isTop)
    {
        json.WriteStartObject();
        json.WriteString("driver", Driver);
        json.WritePropertyName("file");
        if (Protocol is not null)
        {
            json.WriteRawValue(Protocol);
        }
        else
        {
            json.WriteStartObject();
            json.WriteString("driver", IsDevice ? "host_device" : "file");
            json.WriteString("filename", Path);
            json.WriteEndObject();
        }

        if (Format == ImageFormat.Qcow2)
        {
            if (Passphrase is not null)
            {
                json.WriteStartObject("encrypt");
                json.WriteString("format", "luks");
                json.WriteString("key-secret", keyIds(Passphrase));
                json.WriteEndObject();
            }

            json.WritePropertyName("backing");
            if (Backing is null)
                json.WriteNullValue();
            else
                Backing.Write(json, keyIds, isTop: false);
        }
        else if (Backing is not null)
        {
            throw new ArgumentException($"'{Path}' is stated as {Format}, which has no image below.");
        }
        else if (Passphrase is not null)
        {
            json.WriteString("key-secret", keyIds(Passphrase));
        }

        if (!isTop)
            json.WriteBoolean("read-only", true);
        json.WriteEndObject();
    }
}
