namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// A file that the QEMU guest agent has open for us, whatever carries its messages. One call at a time; none of them can be taken back, so none takes a token: each ends by itself, at the latest when the agent has been silent for too long.
/// Source: the guest agent's protocol reference, <c>guest-file-open</c> and what follows it.
/// </summary>
public interface IGuestAgentFile
{
    /// <summary>Reads on (<c>guest-file-read</c>).</summary>
    /// <param name="maxBytes">How much at most.</param>
    /// <exception cref="HypervisorException">The agent says no, or nothing.</exception>
    Task<GuestAgentPart> ReadAsync(int maxBytes);

    /// <summary>Writes on (<c>guest-file-write</c>).</summary>
    /// <param name="bytes">What; it must not change until the call has ended.</param>
    /// <returns>How much of it was written.</returns>
    /// <exception cref="HypervisorException">The agent says no, or nothing.</exception>
    Task<long> WriteAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Has the guest's system take what was written (<c>guest-file-flush</c>).</summary>
    /// <exception cref="HypervisorException">The agent says no, or nothing.</exception>
    Task FlushAsync();

    /// <summary>Lets go of the file (<c>guest-file-close</c>). Called once.</summary>
    /// <exception cref="HypervisorException">The agent says no, or nothing.</exception>
    Task CloseAsync();
}
