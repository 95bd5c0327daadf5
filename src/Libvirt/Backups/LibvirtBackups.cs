using System.Collections.Concurrent;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Snapshots;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Backups;

/// <summary>
/// Reads the disks of domains that run, by the daemon's pull-mode backups: its emulator serves a frozen view of all disks by NBD at a unix socket. A session is a job of the daemon's that outlives whoever began it; its socket
/// names the file that its process has open (<see cref="BackupMark"/>), so that whoever comes next ends what a dead process has left.
/// </summary>
internal sealed class LibvirtBackups(LibvirtParts parts) : IBackupSource, IAsyncDisposable
{
    private readonly ConcurrentDictionary<LibvirtBackupSession, bool> _open = [];

    private string Directory => parts.Options.BackupDirectory;

    public async Task<BackupSession> BeginAsync(InstanceId id, BackupOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new BackupOptions();
        var (since, quiesce) = (options.SinceCheckpoint, options.Quiesce);
        var begin = await parts.Work.ChangeAsync<LibvirtBackupSession>(
            WorkKinds.Backup, id, null, facts => Refuse(facts, quiesce), (change, token) => BeginAsync(change, since, quiesce, token), (_, _) => Task.FromResult<LibvirtBackupSession?>(null), cancellationToken).ConfigureAwait(false);
        // It ends within its deadline, and nothing must be left of it that nobody has.
        var session = await begin.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        if (!cancellationToken.IsCancellationRequested)
            return session;
        await session.DisposeAsync().ConfigureAwait(false);
        throw new OperationCanceledException(cancellationToken);
    }

    /// <summary>Refuses to go on where the view is no longer there.</summary>
    public async Task RequireAsync(VirDomain domain, BackupMark mark, CancellationToken cancellationToken)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        if (await RunningAsync(libvirt, domain, cancellationToken).ConfigureAwait(false) is not (true, { } socket) || socket != mark.Socket)
            throw new HypervisorException($"The view of the disks of '{domain.Name}' was lost meanwhile: the machine was stopped or restarted, or there was no room for what the guest has overwritten. What was read is no backup; begin again.", ErrorCode.InvalidState, RequestOutcome.Rejected)
            {
                Resource = $"instance {domain.Uuid:D}",
            };
    }

    /// <summary>Lets a view go.</summary>
    public async Task EndAsync(LibvirtBackupSession session, BackupMark mark)
    {
        var gate = parts.Server.GateOf(session.Domain.Uuid);
        await gate.WaitAsync().ConfigureAwait(false);
        try
        {
            await CleanAsync(await parts.Link.GetAsync(CancellationToken.None).ConfigureAwait(false), session.Domain, mark).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or ObjectDisposedException)
        {
            // The daemon does not answer. The file stays and says to the next session that there is something to remove.
        }
        finally
        {
            mark.Dispose();
            parts.Server.Read.TryRemove(session.Domain.Uuid, out _);
            _open.TryRemove(session, out _);
            gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var session in _open.Keys)
            await session.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<LibvirtBackupSession> BeginAsync(DomainChange change, string? since, bool quiesce, CancellationToken cancellationToken)
    {
        var live = change.Before.Live!;
        await RecoverAsync(change, cancellationToken).ConfigureAwait(false);
        var changed = since is null ? new HashSet<string>() : await Checkpoints.RequireAsync(change, since, cancellationToken).ConfigureAwait(false);
        bool hasCheckpoint = await Checkpoints.FindDiskWithoutAsync(change, cancellationToken).ConfigureAwait(false) is null;
        change.Progress.Say("freezing the disks");
        var mark = BackupMark.Create(Directory, parts.Time.GetUtcNow());
        try
        {
            string xml = BackupDocument.Pull(mark.Socket, live, since, changed, mark.ScratchOf), checkpoint = BackupDocument.Checkpoint(mark.Name, live);
            Task BeginAsync() => change.Libvirt.DomainBackupBeginAsync(change.Domain, xml, hasCheckpoint ? checkpoint : null, 0, cancellationToken).AsTask();
            if (quiesce)
                await Quiescence.RunAsync(change, BeginAsync, cancellationToken).ConfigureAwait(false);
            else
                await BeginAsync().ConfigureAwait(false);
            if (!File.Exists(mark.Socket))
                throw new HypervisorException($"The daemon's emulator listens at '{mark.Socket}', which is not there: the directory ({nameof(LibvirtBackendOptions)}.{nameof(LibvirtBackendOptions.BackupDirectory)}) must be one that this process and the daemon share.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException)
        {
            await GiveUpAsync(change, mark).ConfigureAwait(false);
            if (since is not null && error is LibvirtException { Number: VirErrorNumber.ErrCheckpointInconsistent or VirErrorNumber.ErrInvalidArg or VirErrorNumber.ErrNoDomainCheckpoint or VirErrorNumber.ErrInvalidDomainCheckpoint } lost)
                throw Checkpoints.Unknown(change.Before, since, $"the emulator ended without writing down what has changed since, because it was killed or the host went down, or the disk is another one ({lost.BackendMessage?.TrimEnd('.')})", lost);
            throw;
        }

        var session = new LibvirtBackupSession(this, change.Domain, mark, BackupDocument.DisksOf(live).Select(disk => new NbdExportOptions
        {
            SocketPath = mark.Socket, Name = disk.Target, DirtyBitmap = changed.Contains(disk.Target) ? BackupDocument.Written : null,
            ReplyTimeout = parts.Options.DefaultDeadline, TimeProvider = parts.Time,
        }), hasCheckpoint);
        parts.Server.Read[change.Domain.Uuid] = true;
        _open[session] = true;
        return session;
    }

    /// <summary>Ends what was begun, where it was.</summary>
    private async Task GiveUpAsync(DomainChange change, BackupMark mark)
    {
        try
        {
            await CleanAsync(change.Libvirt, change.Domain, mark).ConfigureAwait(false);
        }
        catch (HypervisorException)
        {
            // The daemon does not answer: the file says to the next session that there is something to remove.
        }
        finally
        {
            mark.Dispose();
        }
    }

    /// <summary>Removes what the sessions of dead processes have left.</summary>
    /// <exception cref="HypervisorException">A session reads the domain (<see cref="ErrorCode.Locked"/>).</exception>
    private async Task RecoverAsync(DomainChange change, CancellationToken cancellationToken)
    {
        var (isRunning, socket) = await RunningAsync(change.Libvirt, change.Domain, cancellationToken).ConfigureAwait(false);
        string? running = BackupMark.NameOf(Directory, socket);
        if (isRunning)
        {
            using var left = running is null ? null : BackupMark.TryTake(Directory, running);
            if (left is null)
                throw new HypervisorException($"Another backup reads the disks of '{change.Before.View.Name}'. A machine has one at a time.", ErrorCode.Locked, RequestOutcome.Rejected) { Resource = $"instance {change.Before.Id}" };
            await CleanAsync(change.Libvirt, change.Domain, left).ConfigureAwait(false);
        }

        foreach (var checkpoint in await Checkpoints.ListAsync(change.Libvirt, change.Domain, cancellationToken).ConfigureAwait(false))
        {
            if (!BackupMark.IsName(checkpoint.Name) || BackupMark.TryTake(Directory, checkpoint.Name) is not { } left)
                continue;
            using (left)
                await CleanAsync(change.Libvirt, change.Domain, left).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the job of a session where it is still there, and its checkpoint where it was not completed.</summary>
    private async Task CleanAsync(LibvirtConnection libvirt, VirDomain domain, BackupMark mark)
    {
        long begin = parts.Time.GetTimestamp();
        bool isAborted = false;
        while (true)
        {
            using var told = parts.News.ExpectAnything(domain.Uuid);
            if (await RunningAsync(libvirt, domain, CancellationToken.None).ConfigureAwait(false) is not (true, { } socket) || socket != mark.Socket)
                break;
            if (!isAborted)
                isAborted = await TryAbortAsync(libvirt, domain).ConfigureAwait(false);
            if (parts.Time.GetElapsedTime(begin) > parts.Options.DefaultDeadline)
                throw new HypervisorException($"The daemon does not end the backup of '{domain.Name}'.", ErrorCode.Timeout, RequestOutcome.Unknown) { Resource = $"instance {domain.Uuid:D}" };
            await told.ToldSoonAsync(CancellationToken.None).ConfigureAwait(false);
        }

        if (mark.IsCompleted)
            await Checkpoints.PruneAsync(libvirt, domain, CancellationToken.None).ConfigureAwait(false);
        else if (!await Checkpoints.TryDeleteAsync(libvirt, domain, mark.Name, CancellationToken.None).ConfigureAwait(false))
            return;
        mark.Remove();
    }

    private static async Task<bool> TryAbortAsync(LibvirtConnection libvirt, VirDomain domain)
    {
        try
        {
            await libvirt.DomainAbortJobAsync(domain, CancellationToken.None).ConfigureAwait(false);
            return true;
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrOperationInvalid or VirErrorNumber.ErrNoDomain)
        {
            // It has ended by itself, or is only just beginning or ending: the next look tells.
            return false;
        }
    }

    /// <summary>Whether a backup of a domain is under way, and by which socket it is read.</summary>
    private static async Task<(bool IsRunning, string? Socket)> RunningAsync(LibvirtConnection libvirt, VirDomain domain, CancellationToken cancellationToken)
    {
        try
        {
            return (true, BackupDocument.SocketOf(await libvirt.DomainBackupGetXmlDescAsync(domain, 0, cancellationToken).ConfigureAwait(false)));
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrNoDomainBackup or VirErrorNumber.ErrNoDomain or VirErrorNumber.ErrOperationInvalid)
        {
            return (false, null);
        }
    }

    private static void Refuse(DomainFacts facts, bool quiesce)
    {
        string name = facts.View.Name;
        if (facts.State != PowerState.Running && facts.State != PowerState.Paused)
            throw Refusal.InvalidState(facts.Id, $"'{name}' is {facts.State}: its emulator holds the view of the disks. Start the machine; while it is off, its volumes can be read as they are.");
        if (quiesce && facts.State != PowerState.Running)
            throw Refusal.InvalidState(facts.Id, $"'{name}' is {facts.State}: there is no guest that could bring its file systems to rest.");
        if (!BackupDocument.DisksOf(facts.Live!).Any())
            throw new HypervisorException($"'{name}' has no writable disk: there is nothing to back up.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"instance {facts.Id}" };
    }
}
