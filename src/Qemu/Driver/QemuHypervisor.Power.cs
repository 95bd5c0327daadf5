using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Driver;

internal sealed partial class QemuHypervisor
{
    /// <summary>A guest that is still booting does not hear the power button: it is pressed again after a while.</summary>
    private static readonly TimeSpan s_pressAgain = TimeSpan.FromSeconds(3);

    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.BeginAsync(
        id, WorkKinds.Start, request,
        async (change, token) =>
        {
            var status = await change.GetStatusAsync(token).ConfigureAwait(false);
            if (change.Config.IsTemplate)
                throw InvalidState(change, "is a template: clone it, and start the clone");
            if (status.State == PowerState.Paused)
                throw InvalidState(change, $"is paused: resume it{(status.Reason is { } why ? $". {why.TrimEnd('.')}" : "")}");
            if (status.State == PowerState.Unknown)
                throw InvalidState(change, $"runs and does not answer: stop it by force. {status.Reason}");
            return null;
        },
        async (change, token) =>
        {
            var status = await change.GetStatusAsync(token).ConfigureAwait(false);
            if (status.State == PowerState.Stopping)
                await AwaitEndAsync(change, status, token).ConfigureAwait(false);
            // A guest that is lost has a QEMU that holds what is left of it.
            if (status.IsUp && status.State == PowerState.Crashed)
                await MachineLauncher.KillAsync(change, token).ConfigureAwait(false);
            if (!status.IsUp || status.State == PowerState.Stopping || status.State == PowerState.Crashed)
                await BootAsync(change, token).ConfigureAwait(false);
            return await change.ViewAsync(token).ConfigureAwait(false);
        },
        static (change, token) => change.ViewAsync(token), cancellationToken: cancellationToken);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        options ??= new StopOptions();
        CheckGrace(options);
        return work.BeginAsync(
            id, WorkKinds.Stop, request,
            static (_, _) => Task.FromResult<string?>(null),
            async (change, token) =>
            {
                await StopAsync(change, options, token).ConfigureAwait(false);
                return await change.ViewAsync(token).ConfigureAwait(false);
            },
            static (change, token) => change.ViewAsync(token), canCancel: true, cancellationToken: cancellationToken);
    }

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        options ??= new StopOptions();
        CheckGrace(options);
        return work.BeginAsync(
            id, WorkKinds.Restart, request,
            static (change, _) => change.Config.IsTemplate ? throw InvalidState(change, "is a template: clone it, and start the clone") : Task.FromResult<string?>(null),
            async (change, token) =>
            {
                await StopAsync(change, options, token).ConfigureAwait(false);
                await BootAsync(change, token).ConfigureAwait(false);
                return await change.ViewAsync(token).ConfigureAwait(false);
            },
            static (change, token) => change.ViewAsync(token), canCancel: true, cancellationToken: cancellationToken);
    }

    internal static async Task BootAsync(MachineChange change, CancellationToken cancellationToken)
    {
        await MachineLauncher.StartAsync(change, hold: false, cancellationToken).ConfigureAwait(false);
        // Who watches hears it from QEMU; when another process does, who watches here hears it from us.
        if (change.Machine.Supervision is null)
            change.Table.News.Power(change.Id, PowerState.Running, null);
    }

    /// <summary>Waits for a QEMU whose guest has switched itself off a moment ago.</summary>
    private async Task AwaitEndAsync(MachineChange change, MachineStatus status, CancellationToken cancellationToken)
    {
        if (status.Process is { } record && Machine.Hold(record) is { } process)
        {
            using (process)
            {
                if (!await HasExitedAsync(process, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false))
                    throw new HypervisorException($"'{change.Config.Name}' has shut down, but its QEMU (process {record.Pid}) does not end: stop it by force.", ErrorCode.Timeout, RequestOutcome.Rejected);
            }
        }

        await change.SettleAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Presses the power button and waits; then, as the options say, switches off or gives up.</summary>
    private async Task StopAsync(MachineChange change, StopOptions options, CancellationToken cancellationToken)
    {
        var status = await change.GetStatusAsync(cancellationToken).ConfigureAwait(false);
        if (!status.IsUp)
        {
            // One that has crashed is stopped from now on.
            await change.SettleAsync(cancellationToken).ConfigureAwait(false);
            if (status.State == PowerState.Crashed)
                change.Table.News.Power(change.Id, PowerState.Stopped, null);
            return;
        }

        // A guest whose processors stand still hears nothing, nor does one that is lost or whose QEMU hangs.
        if (options.GracePeriod > TimeSpan.Zero && status.State != PowerState.Paused && status.State != PowerState.Unknown && status.State != PowerState.Crashed && await HasShutDownAsync(change, status, options.GracePeriod, cancellationToken).ConfigureAwait(false))
        {
            await change.SettleAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        if (options.GracePeriod > TimeSpan.Zero && !options.ForceAfterGrace)
            throw new HypervisorException($"'{change.Config.Name}' did not shut down within {options.GracePeriod.TotalSeconds:0.#} s and runs on.", ErrorCode.Timeout, RequestOutcome.FailedMidway);
        change.Progress.Say("switching off");
        await MachineLauncher.KillAsync(change, cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> HasShutDownAsync(MachineChange change, MachineStatus status, TimeSpan grace, CancellationToken cancellationToken)
    {
        if (status.Process is not { } record || Machine.Hold(record) is not { } process)
            return true;
        using (process)
        {
            change.Progress.Say("waiting for the guest to shut down");
            try
            {
                var monitor = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
                long begin = services.Time.GetTimestamp();
                bool hasExited = false;
                while (!hasExited && services.Time.GetElapsedTime(begin) < grace)
                {
                    await monitor.SystemPowerdownAsync(cancellationToken).ConfigureAwait(false);
                    var rest = grace - services.Time.GetElapsedTime(begin);
                    hasExited = await HasExitedAsync(process, rest < s_pressAgain ? rest : s_pressAgain, cancellationToken).ConfigureAwait(false);
                }

                await change.CloseMonitorAsync().ConfigureAwait(false);
                return hasExited;
            }
            catch (BackendConnectionException)
            {
                // It was ending already, or does not answer: the process tells.
                await change.CloseMonitorAsync().ConfigureAwait(false);
                return await HasExitedAsync(process, grace, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<bool> HasExitedAsync(LiveProcess process, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (patience <= TimeSpan.Zero)
            return process.Exited.IsCompleted;
        try
        {
            await process.Exited.WaitAsync(patience, services.Time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static void CheckGrace(StopOptions options)
    {
        if (options.GracePeriod < TimeSpan.Zero)
            throw new ArgumentException($"A grace period is not negative; this one is {options.GracePeriod}.", nameof(options));
    }

    private static HypervisorException InvalidState(MachineChange change, string why) =>
        new($"'{change.Config.Name}' {why}.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
}
