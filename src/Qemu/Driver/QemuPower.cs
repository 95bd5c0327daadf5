using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>Holds guests, lets them go, presses the reset button.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuPower(MachineWork work) : IPausing, IReset
{
    public Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        RunAsync(id, WorkKinds.Pause, request, [PowerState.Running, PowerState.Paused], static (monitor, token) => monitor.StopAsync(token), cancellationToken);

    public Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        RunAsync(id, WorkKinds.Resume, request, [PowerState.Running, PowerState.Paused], static (monitor, token) => monitor.ContAsync(token), cancellationToken);

    public Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        RunAsync(id, WorkKinds.Reset, request, [PowerState.Running, PowerState.Paused, PowerState.Crashed], static (monitor, token) => monitor.SystemResetAsync(token), cancellationToken);

    private Task<Operation<Instance>> RunAsync(
        InstanceId id, string kind, RequestOptions? request, PowerState[] allowed, Func<QmpClient, CancellationToken, ValueTask> command, CancellationToken cancellationToken) => work.BeginAsync(
        id, kind, request,
        async (change, token) =>
        {
            var status = await change.GetStatusAsync(token).ConfigureAwait(false);
            return status.IsUp && allowed.Contains(status.State)
                ? null
                : throw new HypervisorException($"'{change.Config.Name}' is {status.State}; to {kind} it, it must be {string.Join(" or ", allowed)}.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
        },
        async (change, token) =>
        {
            // What is lost does not come back by a reset of its processors alone: its QEMU ends, and another boots.
            if ((await change.GetStatusAsync(token).ConfigureAwait(false)).State == PowerState.Crashed)
            {
                await MachineLauncher.KillAsync(change, token).ConfigureAwait(false);
                await QemuHypervisor.BootAsync(change, token).ConfigureAwait(false);
                return await change.ViewAsync(token).ConfigureAwait(false);
            }

            await command(await change.MonitorAsync(token).ConfigureAwait(false), token).ConfigureAwait(false);
            return await change.ViewAsync(token).ConfigureAwait(false);
        },
        static (change, token) => change.ViewAsync(token), cancellationToken: cancellationToken);
}
