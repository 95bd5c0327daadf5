using System.Globalization;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Migration;

/// <summary>
/// One move, as virDomainMigrate3 of libvirt's C library does it (the third version of its protocol: begin at the source, prepare at the target, perform at the source, finish at the target, confirm at the source). What each has to say
/// to the next is in a cookie that only daemons read. To a daemon that other daemons reach by an address (<see cref="LibvirtBackendOptions.PeerUri"/>) the source's daemon does all of that by itself, and this process waits for it.
/// </summary>
internal sealed class MigrationWork(LibvirtParts from, LibvirtParts to, DomainChange change, MigrationOptions options, RequestId? request)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    private readonly VirDomain _domain = change.Domain;

    /// <summary>The machine is kept by the target and no more by the source; until it is over nobody else changes it.</summary>
    private uint Flags
    {
        get
        {
            var flags = VirDomainMigrateFlags.ChangeProtection | VirDomainMigrateFlags.AbortOnError;
            if (change.Before.IsPersistent)
                flags |= VirDomainMigrateFlags.PersistDest | VirDomainMigrateFlags.UndefineSource;
            if (options.Live)
                flags |= VirDomainMigrateFlags.Live;
            if (options.WithStorage)
                flags |= VirDomainMigrateFlags.NonSharedDisk;
            return (uint)flags;
        }
    }

    /// <summary>The calls that last as long as they last: what bounds them is the deadline of the work.</summary>
    private LibvirtConnection Source => change.Libvirt.WithTimeout(Timeout.InfiniteTimeSpan);

    public async Task<Instance> RunAsync(CancellationToken cancellationToken)
    {
        var target = (await to.Link.GetAsync(cancellationToken).ConfigureAwait(false)).WithTimeout(Timeout.InfiniteTimeSpan);
        await change.BeginAsync(cancellationToken).ConfigureAwait(false);
        var record = change.Before.Record;
        await change.Libvirt.DomainMigrateSetMaxDowntimeAsync(_domain, (ulong)Math.Max(1, options.MaxDowntime.TotalMilliseconds), 0, cancellationToken).ConfigureAwait(false);
        if (to.Options.PeerUri is { } peer)
            return await BetweenDaemonsAsync(target, peer, record, cancellationToken).ConfigureAwait(false);
        change.Progress.Say("preparing the target");
        var begun = await Source.DomainMigrateBegin3ParamsAsync(_domain, Parameters(null, null), Flags, cancellationToken).ConfigureAwait(false);
        using var leaves = change.News.Expect(_domain.Uuid, VirDomainEventType.Stopped);
        using var arrives = to.News.Expect(_domain.Uuid, VirDomainEventType.Resumed);
        VirDomain? moved = null;
        byte[] cookie = begun.CookieOut;
        HypervisorException? failure = null;
        bool isPrepared = false;
        try
        {
            var prepared = await target.DomainMigratePrepare3ParamsAsync(Parameters(begun.Xml, to.Options.MigrationUri is null ? null : PlaceOf("")), cookie, Flags, CancellationToken.None).ConfigureAwait(false);
            isPrepared = true;
            cookie = prepared.CookieOut;
            change.Progress.Say("moving memory and disks");
            cookie = await PerformAsync(null, Parameters(begun.Xml, PlaceOf(prepared.UriOut)), cookie, Flags, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            failure = error;
        }

        // From here on nobody gives up: who has begun to end it has to.
        if (isPrepared)
        {
            try
            {
                var finished = await target.DomainMigrateFinish3ParamsAsync(Parameters(null, null, withName: true), cookie, Flags, failure is null ? 0 : 1, CancellationToken.None).ConfigureAwait(false);
                moved = failure is null ? finished.Dom : null;
                cookie = finished.CookieOut;
            }
            catch (HypervisorException error)
            {
                failure ??= error;
            }
        }

        await ConfirmAsync(cookie, isCancelled: failure is not null).ConfigureAwait(false);
        if (failure is not null || moved is not { } arrived)
            throw Failed(failure, cancellationToken);
        return await ArriveAsync(target, arrived, record, leaves, arrives).ConfigureAwait(false);
    }

    /// <summary>The source's daemon moves it (VIR_MIGRATE_PEER2PEER): it connects to the target itself, and goes on where this process ends.</summary>
    private async Task<Instance> BetweenDaemonsAsync(LibvirtConnection target, string peer, InstanceRecord record, CancellationToken cancellationToken)
    {
        using var leaves = change.News.Expect(_domain.Uuid, VirDomainEventType.Stopped);
        using var arrives = to.News.Expect(_domain.Uuid, VirDomainEventType.Resumed);
        change.Progress.Say("moving memory and disks");
        try
        {
            await PerformAsync(peer, Parameters(null, to.Options.MigrationUri is null ? null : PlaceOf("")), [], Flags | (uint)VirDomainMigrateFlags.Peer2peer, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            throw Failed(error, cancellationToken);
        }

        return await ArriveAsync(target, _domain, record, leaves, arrives).ConfigureAwait(false);
    }

    /// <summary>It runs at the target: what is left to do, and what is told of it.</summary>
    private async Task<Instance> ArriveAsync(LibvirtConnection target, VirDomain arrived, InstanceRecord record, LibvirtNews.Expectation leaves, LibvirtNews.Expectation arrives)
    {
        await change.DoAsync(ValueTask.CompletedTask).ConfigureAwait(false);
        await leaves.ToldAsync(CancellationToken.None).ConfigureAwait(false);
        if (change.Before.State == PowerState.Running)
            await arrives.ToldAsync(CancellationToken.None).ConfigureAwait(false);
        await SettleAsync(target, arrived, record).ConfigureAwait(false);
        return (await to.Domains.FindAsync(_domain.Uuid, CancellationToken.None).ConfigureAwait(false))?.View
            ?? throw new HypervisorException($"'{change.Before.View.Name}' has moved to '{to.Name}', and is no longer there.", ErrorCode.NotFound, RequestOutcome.FailedMidway) { Resource = $"instance {change.Before.Id}" };
    }

    /// <summary>Sends memory and disks, and tells how far it is.</summary>
    private async Task<byte[]> PerformAsync(string? peer, VirTypedParameter[] parameters, byte[] cookie, uint flags, CancellationToken cancellationToken)
    {
        var performing = Source.DomainMigratePerform3ParamsAsync(_domain, peer, parameters, cookie, flags, CancellationToken.None).AsTask();
        while (!performing.IsCompleted)
        {
            try
            {
                await performing.WaitAsync(s_look, from.Time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException) when (!performing.IsCompleted)
            {
                await SayAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                await AbortAsync().ConfigureAwait(false);
                break;
            }
        }

        return await performing.ConfigureAwait(false);
    }

    private async Task SayAsync()
    {
        try
        {
            var job = await change.Libvirt.DomainGetJobInfoAsync(_domain, CancellationToken.None).ConfigureAwait(false);
            if (job.DataTotal > 0)
                change.Progress.Say("moving memory and disks", Math.Clamp((double)job.DataProcessed / job.DataTotal, 0, 1));
        }
        catch (LibvirtException)
        {
            // It is over, or has not begun: what matters is what the move itself says.
        }
    }

    private async Task AbortAsync()
    {
        try
        {
            await change.Libvirt.DomainAbortJobAsync(_domain, CancellationToken.None).ConfigureAwait(false);
        }
        catch (HypervisorException)
        {
            // There is nothing to end any more, or it cannot be ended now: it moves or it does not, and says so.
        }
    }

    private async Task ConfirmAsync(byte[] cookie, bool isCancelled)
    {
        try
        {
            await Source.DomainMigrateConfirm3ParamsAsync(_domain, Parameters(null, null), cookie, Flags, isCancelled ? 1 : 0, CancellationToken.None).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (isCancelled || error.Code == ErrorCode.NotFound)
        {
            // The source has cleaned up by itself.
        }
    }

    private HypervisorException Failed(HypervisorException? error, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested && error is LibvirtException { Code: var code } && (code == ErrorCode.Cancelled || code == ErrorCode.Unspecified))
            cancellationToken.ThrowIfCancellationRequested();
        string why = error?.BackendMessage ?? error?.Message ?? "The target does not say why.";
        string what = error?.Outcome is RequestOutcome.Unknown && to.Options.PeerUri is not null ? $"may have been moved to '{to.Name}': the daemons go on by themselves" : $"was not moved to '{to.Name}', and is where it was";
        return new HypervisorException($"'{change.Before.View.Name}' {what}: {why}", error?.Code ?? ErrorCode.Unspecified, error?.Outcome ?? RequestOutcome.Unknown, error)
        {
            Backend = from.Name, Resource = $"instance {change.Before.Id}", BackendCode = error?.BackendCode, BackendMessage = error?.BackendMessage,
        };
    }

    /// <summary>Leaves at the target that the request is done, has its pools look at what has come, and deletes at the source what was copied.</summary>
    private async Task SettleAsync(LibvirtConnection target, VirDomain moved, InstanceRecord record)
    {
        if (request is { } id && await LibvirtDomains.FindAsync(target, moved.Uuid, CancellationToken.None).ConfigureAwait(false) is { } there)
        {
            var done = new DomainChange(target, to.News, there, WorkKinds.Migrate, id, change.Progress);
            await done.EndAsync(CancellationToken.None).ConfigureAwait(false);
        }

        var own = record.Disks.Values.Concat(record.Files.Values).Where(volume => volume is { IsDeletedWithInstance: true, Pool: not null }).ToList();
        foreach (string pool in own.Select(volume => volume.Pool!).Distinct(StringComparer.Ordinal))
            await LibvirtDisks.TryRefreshAsync(target, pool).ConfigureAwait(false);
        if (!options.WithStorage)
            return;
        foreach (var volume in own)
            await LibvirtDisks.TryDeleteAsync(change.Libvirt, volume, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Where the guest goes: what this process was told, or what the target says.</summary>
    private string? PlaceOf(string? said) => to.Options.MigrationUri is { } uri ? uri.StartsWith("unix:", StringComparison.Ordinal) ? $"{uri.TrimEnd('/')}/{_domain.Uuid:N}.m" : uri : said;

    private VirTypedParameter[] Parameters(string? xml, string? place, bool withName = false)
    {
        var parameters = new List<VirTypedParameter>();
        if (xml is not null)
            parameters.Add(new("destination_xml", VirTypedValue.From(xml)));
        if (withName)
            parameters.Add(new("destination_name", VirTypedValue.From(change.Before.View.Name)));
        if (!string.IsNullOrEmpty(place))
            parameters.Add(new("migrate_uri", VirTypedValue.From(place)));
        if (options.WithStorage && place is not null && to.Options.MigrationUri is { } uri && uri.StartsWith("unix:", StringComparison.Ordinal))
            parameters.Add(new("disks_uri", VirTypedValue.From(string.Create(CultureInfo.InvariantCulture, $"{uri.TrimEnd('/')}/{_domain.Uuid:N}.d"))));
        // In whole MiB: at least one, and no more than was asked for.
        if (options.MaxBandwidthPerSecond is { } bandwidth)
            parameters.Add(new("bandwidth", VirTypedValue.From((ulong)Math.Max(1, bandwidth.Bytes >> 20))));
        return [.. parameters];
    }
}
