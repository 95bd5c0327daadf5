namespace Hypervisor.Sdk.DiskImages;

/// <summary>A file on a CD image.</summary>
/// <param name="Name">Its name: 1 to 64 letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, the first a letter or digit; no two differ only in case.</param>
/// <param name="Content">What is in it: at most 64 MiB.</param>
public sealed record IsoFile(string Name, ReadOnlyMemory<byte> Content);
