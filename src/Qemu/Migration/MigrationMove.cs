using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>One move, as the source carries it out, which holds the machine's lock from its beginning to its end.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationMove(MachineChange source, IMigrationPeer peer, MigrationIntent intent)
{
    /// <summary>Moves the machine.</summary>
    public async Task<Instance> RunAsync(MigrationOptions options, RequestId request, CancellationToken cancellationToken)
    {
        var target = await peer.HoldAsync(source.Id, cancellationToken).ConfigureAwait(false);
        await using (target.ConfigureAwait(false))
        {
            bool isGiven = false;
            try
            {
                var way = await target.PrepareAsync(Arrival(request), cancellationToken).ConfigureAwait(false);
                await MigrationRoute.PrepareSourceAsync(source, way, cancellationToken).ConfigureAwait(false);
                var storage = await MigrationStorage.BeginAsync(source, target, way, options, cancellationToken).ConfigureAwait(false);
                try
                {
                    var route = await MigrationRoute.OpenAsync(source, target, way, intent.PostCopy, cancellationToken).ConfigureAwait(false);
                    await using (route.ConfigureAwait(false))
                    {
                        if (await SendAsync(target, route, options, cancellationToken).ConfigureAwait(false))
                        {
                            await CloseDisksAsync(target, cancellationToken).ConfigureAwait(false);
                        }
                        else
                        {
                            cancellationToken.ThrowIfCancellationRequested();
                            MigrationDecision.Give(source, intent.Migration);
                            isGiven = true;
                            return await SwitchAsync(target, cancellationToken).ConfigureAwait(false);
                        }
                    }
                }
                finally
                {
                    if (storage is not null)
                        await storage.DisposeAsync().ConfigureAwait(false);
                }

                cancellationToken.ThrowIfCancellationRequested();
                MigrationDecision.Give(source, intent.Migration);
            }
            catch (Exception error) when (!isGiven && error is HypervisorException or OperationCanceledException or IOException or UnauthorizedAccessException)
            {
                await KeepAsync(target, error).ConfigureAwait(false);
                throw;
            }

            return await FinishAsync(target, null).ConfigureAwait(false);
        }
    }

    /// <summary>Goes on with a move that was interrupted in the middle of a post-copy.</summary>
    public async Task<Instance> ContinueAsync(CancellationToken cancellationToken)
    {
        var target = await peer.HoldAsync(source.Id, cancellationToken).ConfigureAwait(false);
        await using (target.ConfigureAwait(false))
        {
            if (!await target.IsComingAsync(intent.Migration, cancellationToken).ConfigureAwait(false))
                throw new HypervisorException($"'{source.Config.Name}' is on no way to '{peer.Name}' any more; look at it once more.", ErrorCode.Conflict, RequestOutcome.Rejected);
            // Before the guest is let go, when it was not: one that waits for memory can hold up its whole QEMU.
            var route = await MigrationPostCopy.RestoreAsync(source, target, peer.Name, cancellationToken).ConfigureAwait(false);
            try
            {
                return await FinishAsync(target, () => MigrationPostCopy.FollowAsync(source, target, peer.Name, cancellationToken)).ConfigureAwait(false);
            }
            finally
            {
                if (route is not null)
                    await route.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>The other one has it: removes what is left at the source.</summary>
    public static async Task LeaveAsync(MachineChange source)
    {
        await MachineLauncher.KillAsync(source, CancellationToken.None).ConfigureAwait(false);
        MachineRemoval.Remove(source.Services, source.Hold, JournalOutcomes.Succeeded);
        source.Table.News.Deleted(source.Id);
    }

    /// <summary>What the target is told of the machine. By its path it finds the source where that directory is open to it too.</summary>
    private MigrationArrival Arrival(RequestId request)
    {
        var services = source.Services;
        bool isHere = peer.StatePath is not null;
        var incoming = new IncomingMachine
        {
            Migration = intent.Migration, SourceState = isHere ? services.State.Path : null, Source = services.Name.ToString(), SourceIdentity = isHere ? null : services.State.Identity(), PostCopy = intent.PostCopy, RunAfter = intent.WasRunning,
        };
        return new MigrationArrival { Config = MigrationStorage.AtTarget(source.Config) with { Incoming = incoming }, Request = request.ToString() };
    }

    private Task CloseDisksAsync(IMigrationTarget target, CancellationToken cancellationToken) =>
        MigrationStorage.DisksOf(source.Config).Count > 0 ? target.CloseDisksAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>The machine was given before all of its memory has come.</summary>
    private async Task<Instance> SwitchAsync(IMigrationTarget target, CancellationToken cancellationToken)
    {
        source.Progress.Say("going over");
        try
        {
            await MigrationPostCopy.SwitchAsync(source, target).ConfigureAwait(false);
            await CloseDisksAsync(target, CancellationToken.None).ConfigureAwait(false);
        }
        catch (HypervisorException)
        {
            // What that has left is looked at next: a guest that has not come does not run there.
        }

        return await FinishAsync(target, () => MigrationPostCopy.FollowAsync(source, target, peer.Name, cancellationToken)).ConfigureAwait(false);
    }

    /// <returns>Whether all of it has come; false when the rest is to follow.</returns>
    private async Task<bool> SendAsync(IMigrationTarget target, MigrationRoute route, MigrationOptions options, CancellationToken cancellationToken)
    {
        bool isSenderGone = false;
        try
        {
            if (!await MigrationSource.SendAsync(source, target, route.SourceUri, options, intent.PostCopy ? options.PostCopyAfter : null, cancellationToken).ConfigureAwait(false))
                return false;
        }
        catch (BackendConnectionException) when (source.ReadLiveRecord() is null)
        {
            // Its QEMU has ended. When all of the guest had left it by then, it lives on at the target.
            isSenderGone = true;
        }

        source.Progress.Say("taking over", 1);
        await target.AwaitAsync(isSenderGone, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <returns>What was lost; null when the guest goes on.</returns>
    private async Task<HypervisorException?> KeepAsync(IMigrationTarget target, Exception error)
    {
        source.Progress.Say("going on where it was");
        var reason = error as HypervisorException ?? new HypervisorException("The move was given up.", ErrorCode.Cancelled, RequestOutcome.FailedMidway, error);
        try
        {
            return source.ReadLiveRecord() is null ? null : await MigrationSource.KeepAsync(source, intent.WasRunning).ConfigureAwait(false);
        }
        catch (HypervisorException) when (source.ReadLiveRecord() is null)
        {
            // The source's QEMU has ended, which its watch tells of.
            return null;
        }
        finally
        {
            await DropAsync(target, reason).ConfigureAwait(false);
        }
    }

    private static async Task DropAsync(IMigrationTarget target, HypervisorException reason)
    {
        try
        {
            if (!target.IsLost)
                await target.DropAsync(reason).ConfigureAwait(false);
        }
        catch (HypervisorException) when (target.IsLost)
        {
            // It will be told when it asks, or when the next move begins.
        }
    }

    /// <summary>What follows from the decision, and is carried out after it whatever happens: by this, or by recovery on both sides.</summary>
    /// <param name="target">The target.</param>
    /// <param name="follow">Waits for what has not come yet, while the guest runs, and says what was lost; null when all has.</param>
    private async Task<Instance> FinishAsync(IMigrationTarget target, Func<Task<HypervisorException?>>? follow)
    {
        // The machine may be gone from here by then.
        var config = source.Config;
        MigrationFailure? failure;
        try
        {
            failure = await target.LetGoAsync().ConfigureAwait(false);
            if (failure is { NeverRan: true } early)
            {
                var error = new HypervisorException($"'{config.Name}' goes on where it was: its QEMU at '{peer.Name}' ended before the guest ran there. {early.Error.Message}", early.Error.Code, RequestOutcome.FailedMidway, early.Error);
                MigrationDecision.TakeBack(source.Root, source.Id);
                throw await KeepAsync(target, error).ConfigureAwait(false) ?? error;
            }

            if (failure is null && follow is not null && await follow().ConfigureAwait(false) is { } lost)
            {
                failure = new MigrationFailure(lost, false);
                await target.KillAsync().ConfigureAwait(false);
            }

            await target.TakeAsync(isUp: failure is null).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (MigrationDecision.IsGivenAway(source.Root, source.Id))
        {
            string why = target.IsLost ? "the way there was lost before it said that it has it. Whether it runs there is settled when they reach each other again" : "it could not write down that it has it. That is settled there when it is looked at next";
            throw new HypervisorException($"'{config.Name}' was given to '{peer.Name}', and {why}. {error.Message}", target.IsLost ? ErrorCode.Unavailable : error.Code, RequestOutcome.Unknown, error) { BackendMessage = error.BackendMessage };
        }

        await LeaveAsync(source).ConfigureAwait(false);
        if (failure is { Error: var reason })
            throw new HypervisorException($"'{config.Name}' has moved to '{peer.Name}', and its QEMU there has ended: {reason.Message}", reason.Code, RequestOutcome.FailedMidway, reason);
        try
        {
            return await target.ViewAsync().ConfigureAwait(false);
        }
        catch (HypervisorException error) when (target.IsLost)
        {
            throw new HypervisorException($"'{config.Name}' has moved to '{peer.Name}', which cannot be looked at now. {error.Message}", ErrorCode.Unavailable, RequestOutcome.FailedMidway, error);
        }
    }
}
