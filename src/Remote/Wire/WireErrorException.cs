namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>The other end answered a call with a failure, which is kept as it came: everybody who asks for it gets an exception of his own.</summary>
internal sealed class WireErrorException(byte[] failure) : Exception("The call failed.")
{
    public ReadOnlyMemory<byte> Failure { get; } = failure;
}
