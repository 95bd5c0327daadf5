namespace Hypervisor.Sdk;

/// <summary>Runs commands in the guest as a conversation.</summary>
public interface IExec
{
    /// <summary>Starts a command. Completes when it runs, or when the backend has all that it needs to start it.</summary>
    /// <param name="id">The instance, which must run.</param>
    /// <param name="spec">The command.</param>
    /// <param name="cancellationToken">Gives up; the command may have been started.</param>
    /// <exception cref="HypervisorException">
    /// There is no such program (<see cref="ErrorCode.NotFound"/>), which may only become known when the end is read; or the instance does not run (<see cref="ErrorCode.InvalidState"/>).
    /// </exception>
    Task<ExecSession> StartAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken = default);
}
