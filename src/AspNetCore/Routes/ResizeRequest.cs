namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The new size of a volume.</summary>
internal sealed class ResizeRequest
{
    public required ByteSize Size { get; init; }
}
