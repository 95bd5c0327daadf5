using System.Buffers.Binary;

namespace Hypervisor.Sdk.Libvirt.Storage;

/// <summary>What the first bytes of an upload say: how large a disk it is, and whether it reaches for other files.</summary>
/// <remarks>The header of qcow2 (QEMU, docs/interop/qcow2.txt): magic, version, backing file, virtual size, incompatible features.</remarks>
internal static class UploadedContent
{
    /// <summary>So much of the content is looked at.</summary>
    public const int HeaderBytes = 104;

    private const uint Magic = 0x514649fb;
    private const ulong ExternalData = 1 << 2;
    private const int SectorBytes = 512;

    /// <summary>The size of the disk.</summary>
    /// <exception cref="HypervisorException">It is not a qcow2 image (<see cref="ErrorCode.InvalidArgument"/>), or one that names other files (<see cref="ErrorCode.Denied"/>).</exception>
    public static long SizeOfQcow2(ReadOnlySpan<byte> header)
    {
        uint version = header.Length < 72 || BinaryPrimitives.ReadUInt32BigEndian(header) != Magic ? 0 : BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        if (version is not (2 or 3))
            throw Bad("The content is stated as qcow2 and is none.");
        if (BinaryPrimitives.ReadUInt64BigEndian(header[8..]) != 0 || (version == 3 && header.Length >= 80 && (BinaryPrimitives.ReadUInt64BigEndian(header[72..]) & ExternalData) != 0))
            throw new HypervisorException("The content names a backing or a data file; it must stand alone.", ErrorCode.Denied, RequestOutcome.Rejected);
        ulong size = BinaryPrimitives.ReadUInt64BigEndian(header[24..]);
        return size is > 0 and <= long.MaxValue ? (long)size : throw Bad($"The content is a qcow2 image of {size} bytes.");
    }

    public static long RoundUp(long bytes) => checked((bytes + SectorBytes - 1) / SectorBytes * SectorBytes);

    public static HypervisorException Bad(string problem) => new(problem, ErrorCode.InvalidArgument, RequestOutcome.Rejected);
}
