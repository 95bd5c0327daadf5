namespace Hypervisor.Sdk;

/// <summary>What the bytes of an upload are.</summary>
public sealed class VolumeUploadOptions
{
    /// <summary>Their format, <c>raw</c> or <c>qcow2</c>: stated, never guessed.</summary>
    public required string Format { get; init; }

    /// <summary>How many there are, where it is known. Default: until the stream ends.</summary>
    public long? Length { get; init; }

    /// <summary>The SHA-256 that they must have: 32 bytes. Default: not compared.</summary>
    public ReadOnlyMemory<byte>? Sha256 { get; init; }

    /// <summary>Is told how far it is.</summary>
    public IProgress<TransferProgress>? Progress { get; init; }
}
