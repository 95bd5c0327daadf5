using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>What the QEMU that gives its guest away is told.</summary>
[SupportedOSPlatform("linux")]
internal static class MigrationSource
{
    /// <summary>QEMU has no word for "no limit": a rate that no machine reaches.</summary>
    private const ulong NoLimitBytesPerSecond = 1UL << 40;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    /// <summary>Sends the guest, to the last of its memory or until it is to go on at the target without that. It stands still afterwards, and can still be let go here.</summary>
    /// <returns>Whether all has been sent; false when the rest is to follow by post-copy, which waits for <see cref="ContinueAsync"/>.</returns>
    public static async Task<bool> SendAsync(MachineChange change, IMigrationTarget target, string uri, MigrationOptions options, TimeSpan? postCopyAfter, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        await client.MigrateSetParametersAsync(new MigrateSetParameters
        {
            DowntimeLimit = (ulong)options.MaxDowntime.TotalMilliseconds,
            MaxBandwidth = options.MaxBandwidthPerSecond is { } limit ? (ulong)limit.Bytes : NoLimitBytesPerSecond,
            // Zero is its word for none here; what the guest asks for is sent at once in any case.
            MaxPostcopyBandwidth = (ulong)(options.MaxBandwidthPerSecond?.Bytes ?? 0),
        }, cancellationToken).ConfigureAwait(false);
        if (!options.Live)
            await client.StopAsync(cancellationToken).ConfigureAwait(false);
        await change.Root.EffectAsync($"send the guest {change.Id}", async () => await client.MigrateAsync(new MigrateArguments { Uri = uri }, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        bool isContinued = false, isPostCopy = false;
        long begin = change.Services.Time.GetTimestamp();
        while (true)
        {
            var info = await client.QueryMigrateAsync(cancellationToken).ConfigureAwait(false);
            if (info.Status == MigrationStatus.Completed)
                return true;
            if (info.Status == MigrationStatus.Failed || info.Status == MigrationStatus.Cancelled)
                throw new HypervisorException($"QEMU gave the move of '{change.Config.Name}' up: {info.ErrorDesc ?? "it says no reason"}.", ErrorCode.Unspecified, RequestOutcome.FailedMidway) { BackendMessage = info.ErrorDesc };
            if (info.Status == MigrationStatus.PreSwitchover && !isContinued)
            {
                isContinued = true;
                await MigrationStorage.FinishAsync(change, cancellationToken).ConfigureAwait(false);
                if (isPostCopy)
                    return false;
                await ContinueAsync(change, cancellationToken).ConfigureAwait(false);
            }

            if (info.Status == MigrationStatus.Active && !isPostCopy && postCopyAfter is { } patience && change.Services.Time.GetElapsedTime(begin) >= patience)
            {
                isPostCopy = true;
                await change.Root.EffectAsync($"begin post-copy {change.Id}", async () => await client.MigrateStartPostcopyAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            }

            // A target that is not heard of any more is noticed at once, and not when QEMU notices that nobody takes what it sends.
            await target.IsUpAsync(cancellationToken).ConfigureAwait(false);
            if (info.Ram is { Total: > 0 } ram)
                change.Progress.Say(Describe(info, ram), 1 - Math.Min(1, ram.Remaining / (double)ram.Total));
            await Task.Delay(s_look, change.Services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The guest stands still and nothing of it is open here: lets the rest be sent.</summary>
    public static async Task ContinueAsync(MachineChange change, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        await change.Root.EffectAsync($"let the guest switch over {change.Id}", async () => await client.MigrateContinueAsync(MigrationStatus.PreSwitchover, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Ends a move that did not come about, and lets the guest go on here. A QEMU that is no longer there has ended for reasons of its own.</summary>
    /// <returns>Null when it goes on; what was lost when QEMU does not let it.</returns>
    public static async Task<HypervisorException?> KeepAsync(MachineChange change, bool run)
    {
        var patience = change.Services.Options.StartTimeout;
        long begin = change.Services.Time.GetTimestamp();
        await change.CloseMonitorAsync().ConfigureAwait(false);
        var client = await change.MonitorAsync(CancellationToken.None).ConfigureAwait(false);
        if (MigrationPostCopy.IsAmid((await client.QueryMigrateAsync(CancellationToken.None).ConfigureAwait(false)).Status))
        {
            // QEMU does not let a guest go on that has gone over by post-copy, though it has not run there.
            await change.CloseMonitorAsync().ConfigureAwait(false);
            using var process = change.ReadLiveRecord() is { } record ? Machine.Hold(record) : null;
            process?.Kill();
            if (process is not null)
                await process.Exited.ConfigureAwait(false);
            return new HypervisorException($"The target of '{change.Config.Name}' ended in the moment in which its guest went over by post-copy. What was in its memory is lost; it can be started anew here.", ErrorCode.Unspecified, RequestOutcome.FailedMidway);
        }

        await client.MigrateCancelAsync(CancellationToken.None).ConfigureAwait(false);
        while (true)
        {
            var info = await client.QueryMigrateAsync(CancellationToken.None).ConfigureAwait(false);
            bool isOver = info.Status is null || info.Status == MigrationStatus.None || info.Status == MigrationStatus.Cancelled || info.Status == MigrationStatus.Failed || info.Status == MigrationStatus.Completed;
            var status = await client.GetRunStatusAsync(CancellationToken.None).ConfigureAwait(false);
            if (isOver && (!run || status.IsRunning))
            {
                await MigrationStorage.CleanAsync(change, client).ConfigureAwait(false);
                return null;
            }

            if (isOver && status.Status != RunState.FinishMigrate)
                await client.ContAsync(CancellationToken.None).ConfigureAwait(false);
            if (change.Services.Time.GetElapsedTime(begin) > patience)
                throw new HypervisorException($"'{change.Config.Name}' does not go on after a move that was given up; its QEMU says {status.Status}.", ErrorCode.Timeout, RequestOutcome.FailedMidway);
            await Task.Delay(s_look, change.Services.Time, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static string Describe(MigrationInfo info, MigrationStats ram) => string.Create(
        CultureInfo.InvariantCulture,
        $"memory: {ram.Transferred >> 10} KiB sent, {ram.Remaining >> 10} of {ram.Total >> 10} KiB left, {ram.DirtyPagesRate * ram.PageSize >> 10} KiB/s written anew, about {info.ExpectedDowntime ?? 0} ms to stand still");
}
