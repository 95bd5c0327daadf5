namespace Hypervisor.Sdk.DiskImages;

/// <summary>What qemu-img prints as JSON: ImageInfo, ImageCheck, BlockMeasureInfo and MapEntry of QEMU's qapi/block-core.json.</summary>
internal static class QemuImgAnswers
{
    internal sealed record InfoAnswer(
        string Format, long VirtualSize, long ActualSize, int? ClusterSize, string? BackingFilename, string? BackingFilenameFormat, bool DirtyFlag, bool Encrypted, Specific? FormatSpecific, SnapshotAnswer[]? Snapshots);

    internal sealed record Specific(SpecificData? Data);

    internal sealed record SpecificData(bool Corrupt, BitmapAnswer[]? Bitmaps);

    internal sealed record BitmapAnswer(string Name);

    internal sealed record SnapshotAnswer(string Id, string Name, long VmStateSize, long DateSec, long DateNsec);

    internal sealed record CheckAnswer(long CheckErrors, long Corruptions, long Leaks, long CorruptionsFixed, long LeaksFixed);

    internal sealed record MeasureAnswer(long Required, long FullyAllocated);

    internal sealed record MapAnswer(long Start, long Length, int Depth, bool Data, bool Zero, long? Offset);
}
