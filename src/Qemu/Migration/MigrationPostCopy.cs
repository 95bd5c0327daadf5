using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// The end of a move by post-copy, after the decision: the guest goes on at the target with the memory that is there, and fetches the rest from the source as it touches it. Both QEMUs are needed until all has come: what ends one of
/// them ends the guest. A way that is cut only holds it up: both wait (<c>postcopy-paused</c>), and another way is made.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class MigrationPostCopy
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(200);

    /// <summary>How long the source's QEMU may take to connect to a way that was made for it.</summary>
    private static readonly TimeSpan s_connectPatience = TimeSpan.FromSeconds(10);

    /// <summary>Whether a QEMU is in the middle of one, where it can only go on.</summary>
    public static bool IsAmid(MigrationStatus? status) => status == MigrationStatus.PostcopyActive || status == MigrationStatus.PostcopyPaused || status == MigrationStatus.PostcopyRecover || status == MigrationStatus.PostcopyRecoverSetup;

    /// <summary>Lets the source send what the target cannot go on without, and waits until that has come.</summary>
    public static async Task SwitchAsync(MachineChange source, IMigrationTarget target)
    {
        var sender = await source.MonitorAsync(CancellationToken.None).ConfigureAwait(false);
        // Until here the source can go on with its guest.
        await target.HasComeAsync(CancellationToken.None).ConfigureAwait(false);
        await MigrationSource.ContinueAsync(source, CancellationToken.None).ConfigureAwait(false);
        while (true)
        {
            var info = await sender.QueryMigrateAsync(CancellationToken.None).ConfigureAwait(false);
            if (info.Status == MigrationStatus.Failed || info.Status == MigrationStatus.PostcopyPaused)
                throw new HypervisorException($"The guest did not go over to the target: {info.ErrorDesc ?? "the way was cut"}.", ErrorCode.Unspecified, RequestOutcome.FailedMidway) { BackendMessage = info.ErrorDesc };
            // Where the source stands is certain before anything is asked of the target: what fails there is followed by what the source is told then.
            bool isOver = info.Status != MigrationStatus.PreSwitchover && info.Status != MigrationStatus.Active && info.Status != MigrationStatus.Device;
            if (isOver && await target.HasComeAsync(CancellationToken.None).ConfigureAwait(false))
                return;
            await Task.Delay(s_look, source.Services.Time, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until all of the memory has come, and makes another way when it is cut.</summary>
    /// <param name="source">The source.</param>
    /// <param name="target">The target, whose guest runs.</param>
    /// <param name="there">What the target is called.</param>
    /// <param name="cancellationToken">Gives up only where nothing goes on: a way that is cut and cannot be made again, a target that does not say whether it has all. Both QEMUs stay then.</param>
    /// <returns>Null when it has; else what was lost.</returns>
    /// <exception cref="HypervisorException">The way stays cut, or the target hangs (<see cref="ErrorCode.Unavailable"/>).</exception>
    public static async Task<HypervisorException?> FollowAsync(MachineChange source, IMigrationTarget target, string there, CancellationToken cancellationToken)
    {
        MigrationRoute? route = null;
        string? listening = null;
        try
        {
            while (true)
            {
                var info = await AskSourceAsync(source).ConfigureAwait(false);
                if (!await target.IsUpAsync(CancellationToken.None).ConfigureAwait(false))
                    return Lost(there, $"its QEMU at '{there}' ended before all of the memory had come");
                if (info is null || info.Status == MigrationStatus.Completed)
                    return await HasCompletedAsync(source, target, there, isSenderGone: info is null, cancellationToken).ConfigureAwait(false) ? null : Lost(there, $"the QEMU at '{source.Services.Name}' ended, which had memory that had not come");
                if (info.Status == MigrationStatus.PostcopyPaused)
                {
                    if (cancellationToken.IsCancellationRequested)
                        throw DoesNotReach(source, there);
                    source.Progress.Say("the way is cut: making another");
                    if (route is not null)
                        await route.DisposeAsync().ConfigureAwait(false);
                    route = null;
                    (route, listening) = await RecoverAsync(source, target, listening).ConfigureAwait(false);
                    continue;
                }

                if (info.Status != MigrationStatus.PostcopyActive && cancellationToken.IsCancellationRequested)
                    throw DoesNotReach(source, there);

                if (info.Ram is { Total: > 0 } ram)
                    source.Progress.Say(string.Create(CultureInfo.InvariantCulture, $"memory that follows: {ram.Remaining >> 10} of {ram.Total >> 10} KiB left, {ram.PostcopyRequests} pages were asked for"), 1 - Math.Min(1, ram.Remaining / (double)ram.Total));
                await Task.Delay(s_look, source.Services.Time, CancellationToken.None).ConfigureAwait(false);
            }
        }
        finally
        {
            if (route is not null)
                await route.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Before a guest is let go whose move was interrupted: makes the way anew. What carried its memory may have ended with whoever made it, and neither QEMU may have noticed.</summary>
    /// <param name="source">The source.</param>
    /// <param name="target">The target.</param>
    /// <param name="there">What the target is called.</param>
    /// <param name="cancellationToken">Gives up. Both QEMUs stay.</param>
    /// <returns>The way; null when none is needed or can be: all has come, or one of the two has ended.</returns>
    /// <exception cref="HypervisorException">Nobody gets through (<see cref="ErrorCode.Unavailable"/>).</exception>
    public static async Task<MigrationRoute?> RestoreAsync(MachineChange source, IMigrationTarget target, string there, CancellationToken cancellationToken)
    {
        MigrationRoute? route = null;
        string? listening = null;
        bool isCut = false;
        try
        {
            while (true)
            {
                var status = (await AskSourceAsync(source).ConfigureAwait(false))?.Status;
                if (!IsAmid(status) || (status == MigrationStatus.PostcopyActive && route is not null) || !await target.IsUpAsync(CancellationToken.None).ConfigureAwait(false))
                    return route;
                if (cancellationToken.IsCancellationRequested)
                    throw DoesNotReach(source, there);
                if (status == MigrationStatus.PostcopyPaused)
                {
                    if (route is not null)
                        await route.DisposeAsync().ConfigureAwait(false);
                    route = null;
                    (route, listening) = await RecoverAsync(source, target, listening).ConfigureAwait(false);
                    continue;
                }

                if (status == MigrationStatus.PostcopyActive && !isCut)
                    isCut = await TryCutAsync(source).ConfigureAwait(false);
                await Task.Delay(s_look, source.Services.Time, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch
        {
            if (route is not null)
                await route.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<bool> TryCutAsync(MachineChange source)
    {
        try
        {
            var client = await source.MonitorAsync(CancellationToken.None).ConfigureAwait(false);
            await client.MigratePauseAsync(outOfBand: true, CancellationToken.None).ConfigureAwait(false);
            return true;
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected || source.ReadLiveRecord() is null)
        {
            // It has noticed in between, or all has been sent, or it has ended.
            return false;
        }
    }

    private static HypervisorException DoesNotReach(MachineChange source, string there) =>
        new($"The memory of '{source.Config.Name}' that has not come does not reach '{there}': its guest waits there for it, and '{source.Services.Name}' keeps it. Move it there once more to go on.", ErrorCode.Unavailable, RequestOutcome.FailedMidway);

    private static async Task<bool> HasCompletedAsync(MachineChange source, IMigrationTarget target, string there, bool isSenderGone, CancellationToken cancellationToken)
    {
        try
        {
            return await target.AwaitRestAsync(isSenderGone, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException error)
        {
            throw new HypervisorException($"Whether all of the memory of '{source.Config.Name}' has come is not known: its QEMU at '{there}' does not say. Move it there once more to go on.", ErrorCode.Unavailable, RequestOutcome.FailedMidway, error);
        }
    }

    /// <summary>How far the target is, by its own word; null when it does not answer, because it has ended or a part of it waits for memory.</summary>
    public static async Task<MigrationStatus?> LookAsync(MachineChange target, CancellationToken cancellationToken)
    {
        try
        {
            var client = await target.MonitorAsync(cancellationToken).ConfigureAwait(false);
            var info = await client.WithTimeout(s_patience).QueryMigrateAsync(cancellationToken).ConfigureAwait(false);
            // One that has forgotten that it was told to take anybody in is like any other.
            return info.Status ?? MigrationStatus.Completed;
        }
        catch (HypervisorException)
        {
            return null;
        }
    }

    /// <summary>As the target: waits until all of the memory is here, after all was sent or the source has ended.</summary>
    /// <returns>False when it will not come.</returns>
    public static async Task<bool> AwaitRestAsync(MachineChange target, bool isSenderGone, CancellationToken cancellationToken)
    {
        while (true)
        {
            var status = await LookAsync(target, cancellationToken).ConfigureAwait(false);
            if (status == MigrationStatus.Completed)
                return true;
            if (status is null ? isSenderGone || target.ReadLiveRecord() is null : status != MigrationStatus.PostcopyActive)
                return false;
            await Task.Delay(s_look, target.Services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Null when the source's QEMU is gone.</summary>
    private static async Task<MigrationInfo?> AskSourceAsync(MachineChange source)
    {
        try
        {
            var client = await source.MonitorAsync(CancellationToken.None).ConfigureAwait(false);
            return await client.QueryMigrateAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (HypervisorException) when (source.ReadLiveRecord() is null)
        {
            return null;
        }
    }

    /// <summary>
    /// Tries to make another way, when the one there was is cut. One on which the source's QEMU has begun is not taken from it: before 8.2, QEMU never comes out of <c>postcopy-recover</c> when its way is cut there.
    /// </summary>
    /// <param name="source">The source.</param>
    /// <param name="target">The target.</param>
    /// <param name="listening">Where the target was told to listen by an earlier try; null before the first.</param>
    /// <returns>The way, or null when it cannot be made now; and where the target listens.</returns>
    private static async Task<(MigrationRoute? Route, string? Listening)> RecoverAsync(MachineChange source, IMigrationTarget target, string? listening)
    {
        MigrationRoute? route = null;
        try
        {
            var sender = await source.MonitorAsync(CancellationToken.None).ConfigureAwait(false);
            if ((await sender.QueryMigrateAsync(CancellationToken.None).ConfigureAwait(false)).Status != MigrationStatus.PostcopyPaused)
                return (null, listening);
            listening = await target.ListenAgainAsync(listening, CancellationToken.None).ConfigureAwait(false);
            route = await MigrationRoute.ReopenAsync(source, target, listening, CancellationToken.None).ConfigureAwait(false);
            await sender.MigrateAsync(new MigrateArguments { Uri = route.SourceUri, Resume = true }, CancellationToken.None).ConfigureAwait(false);
            await AwaitConnectedAsync(source).ConfigureAwait(false);
            return (route, listening);
        }
        catch (HypervisorException) when (!target.IsLost && source.ReadLiveRecord() is not null)
        {
            // The target has not noticed yet, or nobody gets through to it: it is tried again.
            if (route is not null)
                await route.DisposeAsync().ConfigureAwait(false);
            if (!await target.IsUpAsync(CancellationToken.None).ConfigureAwait(false))
                throw;
            await Task.Delay(s_again, source.Services.Time, CancellationToken.None).ConfigureAwait(false);
            return (null, listening);
        }
    }

    /// <summary>It answers before it has connected, and is <c>postcopy-paused</c> until then; and for good when it cannot.</summary>
    private static async Task AwaitConnectedAsync(MachineChange source)
    {
        long begin = source.Services.Time.GetTimestamp();
        while (await AskSourceAsync(source).ConfigureAwait(false) is { } info && info.Status == MigrationStatus.PostcopyPaused && source.Services.Time.GetElapsedTime(begin) < s_connectPatience)
            await Task.Delay(s_look, source.Services.Time, CancellationToken.None).ConfigureAwait(false);
    }

    private static HypervisorException Lost(string there, string why) =>
        new($"{why}. What was in its guest's memory is lost; its disks are as the guest has written them, and it can be started anew at '{there}'.", ErrorCode.Unspecified, RequestOutcome.FailedMidway);
}
