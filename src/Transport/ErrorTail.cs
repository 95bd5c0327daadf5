using System.Text;

namespace Hypervisor.Sdk.Transport;

/// <summary>The last bytes of a text that may be endless.</summary>
internal sealed class ErrorTail(int maxBytes)
{
    private readonly Lock _gate = new();
    private readonly byte[] _ring = new byte[maxBytes];
    private long _written;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            _written += bytes.Length;
            if (maxBytes == 0)
                return;
            if (bytes.Length > maxBytes)
                bytes = bytes[^maxBytes..];
            int start = (int)((_written - bytes.Length) % maxBytes);
            int first = Math.Min(bytes.Length, maxBytes - start);
            bytes[..first].CopyTo(_ring.AsSpan(start));
            bytes[first..].CopyTo(_ring);
        }
    }

    public override string ToString()
    {
        lock (_gate)
        {
            if (_written <= maxBytes)
                return Encoding.UTF8.GetString(_ring, 0, (int)_written);
            int start = (int)(_written % maxBytes);
            return Encoding.UTF8.GetString([.. _ring.AsSpan(start), .. _ring.AsSpan(0, start)]);
        }
    }
}
