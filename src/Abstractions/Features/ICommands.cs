namespace Hypervisor.Sdk;

/// <summary>Runs commands in the guest and collects what they print: what a guest agent can do. For a conversation, see <see cref="IExec"/>.</summary>
public interface ICommands
{
    /// <summary>Runs a command to its end.</summary>
    /// <param name="id">The instance, which must run.</param>
    /// <param name="spec">The command.</param>
    /// <param name="input">What it reads from its standard input.</param>
    /// <param name="cancellationToken">Ends the wait; the command may go on.</param>
    /// <exception cref="HypervisorException">The agent does not answer (<see cref="ErrorCode.Unavailable"/>), or there is no such program (<see cref="ErrorCode.NotFound"/>). A command that fails is a result, not an exception.</exception>
    Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default);
}
