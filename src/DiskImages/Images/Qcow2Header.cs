using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>The header of a qcow2 image, read without trusting it.</summary>
/// <remarks>QEMU docs/interop/qcow2.txt, versions 2 and 3. All of it stands in the first cluster; numbers are big-endian.</remarks>
public sealed partial class Qcow2Header
{
    /// <summary>As many bytes of a file as <see cref="Parse"/> may need: the largest cluster, 2 MiB.</summary>
    public const int MaxBytes = 1 << MaxClusterBits;

    private Qcow2Header()
    {
    }

    /// <summary>2 or 3.</summary>
    public required int Version { get; init; }

    /// <summary>What a guest sees.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>The size of a cluster, in bytes: 512 to 2 MiB.</summary>
    public required int ClusterBytes { get; init; }

    /// <summary>How many snapshots are within.</summary>
    public required int SnapshotCount { get; init; }

    /// <summary>The name of the image below, as it was written: a path relative to this image's, an absolute one, or anything else that QEMU takes. Never open it without looking at it. Null when there is none.</summary>
    public string? BackingFile { get; init; }

    /// <summary>The format of the image below; null when the header does not say.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>The guest's data is in another file, and this one has the tables only.</summary>
    public required bool HasExternalData { get; init; }

    /// <summary>The name of that file; null when there is none or the header does not say.</summary>
    public string? ExternalDataFile { get; init; }

    /// <summary>Whether it is encrypted.</summary>
    public required bool IsEncrypted { get; init; }

    /// <summary>It was not closed properly: its reference counts are made new when it is next opened for writing.</summary>
    public required bool IsDirty { get; init; }

    /// <summary>QEMU found it damaged; it may only be read.</summary>
    public required bool IsCorrupt { get; init; }

    /// <summary>Reads a header.</summary>
    /// <param name="bytes">The beginning of the file: <see cref="MaxBytes"/> of it, or all of it when it is shorter.</param>
    /// <exception cref="HypervisorException">It is no qcow2 header (<see cref="ErrorCode.Corrupted"/>), or one with features that are not known here (<see cref="ErrorCode.Unsupported"/>).</exception>
    public static Qcow2Header Parse(ReadOnlySpan<byte> bytes)
    {
        var header = new Fields(bytes);
        var extensions = Extensions.Read(bytes, header);
        return new Qcow2Header
        {
            Version = header.Version,
            Size = new ByteSize(header.Size),
            ClusterBytes = header.ClusterBytes,
            SnapshotCount = header.SnapshotCount,
            BackingFile = header.ReadBackingFile(bytes),
            BackingFormat = extensions.BackingFormat,
            HasExternalData = header.Has(ExternalData),
            ExternalDataFile = extensions.ExternalDataFile,
            IsEncrypted = header.EncryptionMethod != 0,
            IsDirty = header.Has(Dirty),
            IsCorrupt = header.Has(Corrupt),
        };
    }

    /// <summary>Reads the header of an open file.</summary>
    /// <exception cref="HypervisorException">As <see cref="Parse"/>; or the file cannot be read.</exception>
    public static Qcow2Header Read(SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(file);
        try
        {
            // The cluster size stands in the first bytes; what they claim is bounded before anything is read by it.
            byte[] start = ReadStart(file, MinClusterBytes);
            int clusterBits = start.Length >= Version2Bytes ? BinaryPrimitives.ReadInt32BigEndian(start.AsSpan(20)) : 0;
            return Parse(clusterBits is > MinClusterBits and <= MaxClusterBits ? ReadStart(file, 1 << clusterBits) : start);
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, "Reading the header of an image");
        }
    }

    private static byte[] ReadStart(SafeFileHandle file, int maxBytes)
    {
        byte[] start = new byte[Math.Min(maxBytes, RandomAccess.GetLength(file))];
        int bytes = 0;
        while (bytes < start.Length && RandomAccess.Read(file, start.AsSpan(bytes), bytes) is > 0 and int read)
            bytes += read;
        return start[..bytes];
    }

    private static string Text(ReadOnlySpan<byte> utf8, string what)
    {
        try
        {
            return utf8.Contains((byte)0) ? throw Damaged($"{what} contains NUL") : s_strictUtf8.GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            throw Damaged($"{what} is not UTF-8");
        }
    }

    private static HypervisorException Damaged(string problem) => new($"This is not a qcow2 image that can be trusted: {problem}.", ErrorCode.Corrupted, RequestOutcome.Rejected);
}
