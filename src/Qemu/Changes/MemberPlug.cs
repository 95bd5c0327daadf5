using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>Gives a running QEMU one processor or one piece of memory more, and takes back what was given so.</summary>
[SupportedOSPlatform("linux")]
internal static class MemberPlug
{
    /// <summary>Plugs in what a step says.</summary>
    public static async Task AddAsync(MachineChange change, ChangeStep step, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        if (step.Dimm is { } dimm)
        {
            await RunAsync(change, $"make memory in QEMU {change.Id}/{dimm.Id}", client, "object-add", MachineArguments.DimmBackend(dimm), cancellationToken).ConfigureAwait(false);
            await RunAsync(change, $"plug in {change.Id}/{dimm.Id}", client, "device_add", MachineArguments.DimmDevice(dimm), cancellationToken).ConfigureAwait(false);
            return;
        }

        var cpu = step.Cpu!;
        await RunAsync(change, $"plug in {change.Id}/{cpu.Id}", client, "device_add", MachineArguments.CpuDevice(cpu, change.Config, change.Services.Host), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks the guest to give up what a step says, and waits until it has.</summary>
    /// <exception cref="HypervisorException">It did not, or said that it will not; the machine has it still.</exception>
    public static async Task RemoveAsync(MachineChange change, ChangeStep step, CancellationToken cancellationToken)
    {
        await DevicePlug.UnplugAsync(change, step.Dimm?.Id ?? step.Cpu!.Id, cancellationToken).ConfigureAwait(false);
        if (step.Dimm is { } dimm)
            await ReleaseAsync(change, dimm, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives back the host's memory behind a piece that is not plugged in, if it is there.</summary>
    public static async Task ReleaseAsync(MachineChange change, DimmConfig dimm, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var objects = await client.QomListAsync("/objects", cancellationToken).ConfigureAwait(false);
        if (objects.Any(known => known.Name == dimm.BackendId))
            await change.Root.EffectAsync($"give back memory of QEMU {change.Id}/{dimm.Id}", async () => await client.ObjectDelAsync(dimm.BackendId, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static Task RunAsync(MachineChange change, string effect, QmpClient client, string command, string arguments, CancellationToken cancellationToken) =>
        change.Root.EffectAsync(effect, async () => await client.ExecuteAsync(command, QapiAny.FromJson(arguments), cancellationToken).ConfigureAwait(false));
}
