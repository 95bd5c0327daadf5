using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <content>Asking a machine something that changes nothing.</content>
internal sealed partial class MachineTable
{
    /// <summary>A machine with its configuration.</summary>
    /// <exception cref="HypervisorException">There is none of that id (<see cref="ErrorCode.NotFound"/>).</exception>
    public (Machine Machine, MachineConfig Config) Require(InstanceId id)
    {
        string text = id.IsDefault ? throw new ArgumentException("The instance id is the default value.", nameof(id)) : id.ToString();
        return MachineIds.IsValid(text) && Get(text) is var machine && machine.ReadConfig() is { Incoming: null } config
            ? (machine, config)
            : throw new HypervisorException($"There is no machine '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = services.Name, Resource = $"instance {id}" };
    }

    /// <summary>A machine whose QEMU is there.</summary>
    /// <exception cref="HypervisorException">There is no such machine (<see cref="ErrorCode.NotFound"/>), or it does not run (<see cref="ErrorCode.InvalidState"/>).</exception>
    public async Task<(Machine Machine, MachineConfig Config, MachineStatus Status)> RequireUpAsync(InstanceId id, CancellationToken cancellationToken)
    {
        var (machine, config) = Require(id);
        var status = await GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false);
        return status.IsUp
            ? (machine, config, status)
            : throw new HypervisorException($"The machine '{config.Name}' is {status.State}; start it first.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Backend = services.Name, Resource = $"instance {id}" };
    }

    /// <summary>Asks QEMU by the monitor for reading; by the one for changes, under the machine's lock, when another process watches.</summary>
    /// <exception cref="HypervisorException">QEMU does not answer, or the machine is being changed elsewhere.</exception>
    public async Task<T> AskAsync<T>(Machine machine, MachineConfig config, Func<QmpClient, Task<T>> ask, CancellationToken cancellationToken)
    {
        if (machine.Supervision is { } watched)
            return await ask(watched.Reads).ConfigureAwait(false);
        using var hold = await HoldAsync(machine.Id, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
        var client = await machine.ConnectChangesAsync(config.Uuid, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
            return await ask(client).ConfigureAwait(false);
    }
}
