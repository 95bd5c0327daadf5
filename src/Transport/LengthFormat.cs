namespace Hypervisor.Sdk.Transport;

/// <summary>How a length of four bytes stands before each frame.</summary>
public sealed class LengthFormat
{
    /// <summary>The bytes that the length takes.</summary>
    public const int PrefixBytes = 4;

    /// <summary>The largest payload that is taken, the length itself not counted.</summary>
    public required int MaxPayloadBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>The smallest payload that is taken: what a protocol's fixed header needs. Default: 0.</summary>
    public int MinPayloadBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>The least significant byte comes first. Default: false, network byte order.</summary>
    public bool LittleEndian { get; init; }

    /// <summary>The length counts its own four bytes, as in libvirt's RPC. Default: false.</summary>
    public bool CountsItself { get; init; }
}
