namespace Hypervisor.Sdk.Transport;

/// <summary>The peer broke the framing: a frame longer than allowed, an impossible length, or an end in the middle of a frame. The connection cannot be used any more.</summary>
public sealed class FramingException : IOException
{
    /// <summary>Makes the exception with the offending value and the limit.</summary>
    public FramingException(string message)
        : base(message)
    {
    }
}
