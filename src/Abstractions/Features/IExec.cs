namespace Hypervisor.Sdk;

/// <summary>Runs commands in the guest as a conversation.</summary>
public interface IExec
{
    /// <summary>Starts a command. Completes when it runs.</summary>
    Task<ExecSession> StartAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken = default);
}
