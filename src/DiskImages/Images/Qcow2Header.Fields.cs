using System.Buffers.Binary;
using System.Text;

namespace Hypervisor.Sdk.DiskImages;

public sealed partial class Qcow2Header
{
    private const uint Magic = 0x514649FB; // "QFI\xfb"
    private const int Version2Bytes = 72;
    private const int Version3Bytes = 104;
    private const int MinClusterBits = 9;
    private const int MaxClusterBits = 21;
    private const int MinClusterBytes = 1 << MinClusterBits;
    private const int MaxBackingFileBytes = 1023;
    private const int MaxDataFileBytes = 4096;
    private const int MaxFormatBytes = 64;
    private const int MaxSnapshots = 65536; // QCOW_MAX_SNAPSHOTS
    private const long MaxLevel1Bytes = 32 << 20; // QCOW_MAX_L1_SIZE

    private const ulong Dirty = 1;
    private const ulong Corrupt = 2;
    private const ulong ExternalData = 4;
    private const ulong CompressionType = 8;
    private const ulong ExtendedLevel2 = 16;
    private const ulong KnownFeatures = Dirty | Corrupt | ExternalData | CompressionType | ExtendedLevel2;

    private const uint EndOfExtensions = 0;
    private const uint BackingFormatExtension = 0xE2792ACA;
    private const uint DataFileExtension = 0x44415441;

    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The fixed part, each number checked before another one is found by it.</summary>
    private readonly ref struct Fields
    {
        private readonly ulong _features;
        private readonly long _backingOffset;
        private readonly int _backingBytes;

        public Fields(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length < Version2Bytes || BinaryPrimitives.ReadUInt32BigEndian(bytes) != Magic)
                throw Damaged("it does not begin with the qcow2 magic");
            Version = BinaryPrimitives.ReadInt32BigEndian(bytes[4..]);
            if (Version is not (2 or 3))
                throw new HypervisorException($"The image is of version {Version} of qcow2; 2 and 3 are known here.", ErrorCode.Unsupported, RequestOutcome.Rejected);
            int clusterBits = BinaryPrimitives.ReadInt32BigEndian(bytes[20..]);
            if (clusterBits is < MinClusterBits or > MaxClusterBits)
                throw Damaged($"its clusters are of 2^{clusterBits} bytes");
            ClusterBytes = 1 << clusterBits;
            Size = BinaryPrimitives.ReadInt64BigEndian(bytes[24..]);
            EncryptionMethod = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]);
            if (EncryptionMethod > 2)
                throw new HypervisorException($"The image is encrypted by method {EncryptionMethod}; 0, 1 and 2 are known here.", ErrorCode.Unsupported, RequestOutcome.Rejected);
            uint snapshots = BinaryPrimitives.ReadUInt32BigEndian(bytes[60..]);
            if (snapshots > MaxSnapshots)
                throw Damaged($"it claims {snapshots} snapshots");
            SnapshotCount = (int)snapshots;

            HeaderBytes = Version2Bytes;
            if (Version == 3)
            {
                if (bytes.Length < Version3Bytes)
                    throw Damaged("its header is cut off");
                _features = BinaryPrimitives.ReadUInt64BigEndian(bytes[72..]);
                if ((_features & ~KnownFeatures) != 0)
                    throw new HypervisorException($"The image has features that are not known here (0x{_features & ~KnownFeatures:x}).", ErrorCode.Unsupported, RequestOutcome.Rejected);
                uint headerBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes[100..]);
                if (headerBytes < Version3Bytes || headerBytes > ClusterBytes || headerBytes % 8 != 0 || headerBytes > bytes.Length)
                    throw Damaged($"its header claims {headerBytes} bytes");
                HeaderBytes = (int)headerBytes;
            }

            CheckSize(BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]), extended: Has(ExtendedLevel2));
            _backingOffset = BinaryPrimitives.ReadInt64BigEndian(bytes[8..]);
            uint backingBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
            _backingBytes = (int)Math.Min(backingBytes, int.MaxValue);
            if (_backingOffset == 0)
                return;
            if (backingBytes is 0 or > MaxBackingFileBytes || _backingOffset < HeaderBytes || _backingOffset > ClusterBytes - backingBytes || _backingOffset > bytes.Length - backingBytes)
                throw Damaged($"the name of its backing file is of {backingBytes} bytes at {_backingOffset}");
        }

        public int Version { get; }

        public long Size { get; }

        public int ClusterBytes { get; }

        public uint EncryptionMethod { get; }

        public int SnapshotCount { get; }

        public int HeaderBytes { get; }

        /// <summary>Where the extensions end at the latest: the name of the backing file follows them.</summary>
        public int ExtensionsEnd(int available) => (int)Math.Min(_backingOffset == 0 ? ClusterBytes : _backingOffset, available);

        public bool Has(ulong feature) => (_features & feature) != 0;

        public string? ReadBackingFile(ReadOnlySpan<byte> bytes) => _backingOffset == 0 ? null : Text(bytes.Slice((int)_backingOffset, _backingBytes), "the name of its backing file");

        /// <summary>The table of the first level must be able to hold what the size says, and may not be larger than QEMU accepts.</summary>
        private void CheckSize(uint level1Entries, bool extended)
        {
            if (Size < 0)
                throw Damaged($"its size is {(ulong)Size}");
            long bytesPerLevel1Entry = (long)ClusterBytes * (ClusterBytes / (extended ? 16 : 8));
            UInt128 needed = ((UInt128)Size + (UInt128)bytesPerLevel1Entry - 1) / (UInt128)bytesPerLevel1Entry;
            if (level1Entries > MaxLevel1Bytes / 8 || needed > level1Entries)
                throw Damaged($"its size of {Size} bytes does not go with a table of {level1Entries} entries");
        }
    }

    /// <summary>The extensions that matter here: type, length, that many bytes, padded to a multiple of 8.</summary>
    private readonly record struct Extensions(string? BackingFormat, string? ExternalDataFile)
    {
        public static Extensions Read(ReadOnlySpan<byte> bytes, in Fields header)
        {
            var found = default(Extensions);
            int end = header.ExtensionsEnd(bytes.Length);
            long offset = header.HeaderBytes;
            while (offset <= end - 8)
            {
                uint type = BinaryPrimitives.ReadUInt32BigEndian(bytes[(int)offset..]);
                uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[((int)offset + 4)..]);
                if (type == EndOfExtensions)
                    break;
                offset += 8;
                if (length > end - offset)
                    throw Damaged($"the header extension 0x{type:x} claims {length} bytes");
                var content = bytes.Slice((int)offset, (int)length);
                found = type switch
                {
                    BackingFormatExtension when length <= MaxFormatBytes => found with { BackingFormat = Text(content, "the format of its backing file") },
                    DataFileExtension when length <= MaxDataFileBytes => found with { ExternalDataFile = Text(content, "the name of its data file") },
                    BackingFormatExtension or DataFileExtension => throw Damaged($"the header extension 0x{type:x} claims {length} bytes"),
                    _ => found,
                };
                offset += ((long)length + 7) & ~7L;
            }

            return found;
        }
    }
}
