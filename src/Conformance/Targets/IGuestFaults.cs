namespace Hypervisor.Sdk.Conformance;

/// <summary>Does to a running instance what its backend does not expect.</summary>
public interface IGuestFaults
{
    /// <summary>Ends it from outside: its process is killed, its kernel panics.</summary>
    Task CrashAsync(InstanceId id, CancellationToken cancellationToken);

    /// <summary>Makes what runs it stop answering, until <see cref="ThawAsync"/>; null where that is not possible.</summary>
    Func<InstanceId, CancellationToken, Task>? FreezeAsync { get; }

    /// <summary>Lets it answer again. One that is not frozen stays as it is.</summary>
    Task ThawAsync(InstanceId id, CancellationToken cancellationToken);
}
