namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>The limits of virnetprotocol.x.</summary>
internal static class XdrLimits
{
    /// <summary>VIR_NET_MESSAGE_STRING_MAX.</summary>
    public const int MaxStringBytes = 4194304;

    /// <summary>VIR_NET_MESSAGE_MAX: a message without the length that stands before it.</summary>
    public const int MaxMessageBytes = 33554432;

    /// <summary>VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX: what libvirt itself sends of a stream in one message.</summary>
    public const int MaxStreamBytes = 262120;
}
