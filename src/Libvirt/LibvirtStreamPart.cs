namespace Hypervisor.Sdk.Libvirt;

/// <summary>What a read of a stream brought: bytes, a hole, or neither at the end.</summary>
/// <param name="Bytes">How many bytes are in the buffer.</param>
/// <param name="HoleBytes">The length of a hole, or 0.</param>
public readonly record struct LibvirtStreamPart(int Bytes, long HoleBytes)
{
    /// <summary>True at the end of the stream.</summary>
    public bool IsEnd => Bytes == 0 && HoleBytes == 0;
}
