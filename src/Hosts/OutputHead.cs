using System.Buffers;

namespace Hypervisor.Sdk.Hosts;

/// <summary>The first bytes of an output that may be endless.</summary>
internal sealed class OutputHead(int maxBytes)
{
    private readonly ArrayBufferWriter<byte> _kept = new();

    public bool IsTruncated { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        int room = maxBytes - _kept.WrittenCount;
        IsTruncated |= bytes.Length > room;
        _kept.Write(bytes[..Math.Min(bytes.Length, room)]);
    }

    public void Append(in ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
            Append(segment.Span);
    }

    public ReadOnlyMemory<byte> Written => _kept.WrittenMemory;
}
