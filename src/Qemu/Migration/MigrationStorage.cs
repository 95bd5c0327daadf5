using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;
using SocketAddress = Hypervisor.Sdk.Qemu.Qapi.SocketAddress;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// The machine's own disks, when they move too. The target makes images of the same sizes and its QEMU, which waits, exports them; the source's QEMU mirrors each disk there, and what the guest writes meanwhile goes to both. When
/// the guest stands still the mirrors end, and both ends have the same. What is below a disk is copied into it, so that at the target it needs nothing else.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class MigrationStorage
{
    /// <summary>The socket of the disks, in the runtime directory of either side.</summary>
    public const string SocketName = "move.sock";

    private const string Prefix = "hv-move-";

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    private static readonly string s_path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{MachineArguments.RuntimeDescriptor}/{SocketName}");

    /// <summary>What moves.</summary>
    public static IReadOnlyList<DiskConfig> DisksOf(MachineConfig config) => [.. config.Disks.Where(disk => disk.File is not null)];

    /// <summary>What the disks are at the target.</summary>
    public static MachineConfig AtTarget(MachineConfig config) => config with { Disks = [.. config.Disks.Select(disk => disk.File is null ? disk : disk with { Backing = [], Node = null, TakenFrom = null })] };

    /// <summary>What the images of the disks that move take now, with what is below them.</summary>
    public static long BytesOf(QemuServices source, MachineConfig config)
    {
        string own = Path.Combine(source.State.Path, StateDirectory.Disks(config.Id));
        return DisksOf(config).Sum(disk => Math.Min(disk.SizeBytes, disk.Backing.Select(below => below.ExternalPath ?? Path.Combine(own, below.File!)).Append(Path.Combine(own, disk.File!))
            .Sum(path => new FileInfo(path) is { Exists: true } file ? file.Length : 0)));
    }

    /// <summary>Copies all disks while the guest runs, and returns when every mirror has caught up.</summary>
    /// <returns>The way of what is written from now on, when it is through this process; it is closed after <see cref="FinishAsync"/>. Null when there is none, or it is from QEMU to QEMU.</returns>
    public static async Task<MigrationRelay?> BeginAsync(MachineChange source, IMigrationTarget target, MigrationWay way, MigrationOptions options, CancellationToken cancellationToken)
    {
        var disks = DisksOf(source.Config);
        if (disks.Count == 0)
            return null;
        var there = await target.ListenForDisksAsync(cancellationToken).ConfigureAwait(false);
        var relay = there.Host is null ? await MigrationRelay.OpenAsync(source, target, SocketName, cancellationToken).ConfigureAwait(false) : null;
        try
        {
            var sender = await source.MonitorAsync(cancellationToken).ConfigureAwait(false);
            var server = there.Host is null ? new SocketAddress { Unix = new UnixSocketAddress { Path = s_path } } : new SocketAddress { Inet = new InetSocketAddress { Host = there.Host, Port = there.Port! } };
            for (int i = 0; i < disks.Count; i++)
            {
                var export = new BlockdevOptionsNbd { Server = server, Export = disks[i].Id, TlsCreds = way.IsEncrypted ? MigrationRoute.Credentials : null, TlsHostname = way.IsEncrypted ? way.HostName : null };
                await MirrorAsync(sender, disks[i], i, export, options, cancellationToken).ConfigureAwait(false);
            }

            await AwaitReadyAsync(source, sender, target, cancellationToken).ConfigureAwait(false);
            return relay;
        }
        catch
        {
            if (relay is not null)
                await relay.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Lets the target's QEMU take disks in: by a socket of its own, or by TCP where its memory comes so too, with the same certificates.</summary>
    public static async Task<MigrationDiskWay> ListenAsync(MachineChange target, CancellationToken cancellationToken)
    {
        var receiver = await target.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var way = await ServeAsync(target, receiver, cancellationToken).ConfigureAwait(false);
        var disks = DisksOf(target.Config);
        for (int i = 0; i < disks.Count; i++)
        {
            await receiver.BlockExportAddAsync(
                new BlockExportOptions { Id = IdOf(i), NodeName = disks[i].NodeName, Writable = true, Nbd = new BlockExportOptionsNbd { Name = disks[i].Id } }, cancellationToken).ConfigureAwait(false);
        }

        return way;
    }

    private static async Task<MigrationDiskWay> ServeAsync(MachineChange target, QmpClient receiver, CancellationToken cancellationToken)
    {
        if (target.Services.Options.Migration.Address is not { } address)
        {
            await receiver.NbdServerStartAsync(
                new NbdServerOptionsLegacy { Addr = new SocketAddressLegacy { Unix = new UnixSocketAddressWrapper { Data = new UnixSocketAddress { Path = s_path } } } }, cancellationToken).ConfigureAwait(false);
            return new MigrationDiskWay();
        }

        // QEMU does not say which port it has got: the socket is made here, and handed over while it listens already.
        using var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(address, 0));
            listener.Listen();
        }
        catch (SocketException error)
        {
            throw new HypervisorException($"'{target.Services.Name}' cannot listen at {address} ({nameof(QemuMigrationOptions)}.{nameof(QemuMigrationOptions.Address)}): {error.Message}", ErrorCode.Unavailable, RequestOutcome.Rejected, error);
        }

        await receiver.GetFileAsync(listener.SafeHandle, SocketName, cancellationToken).ConfigureAwait(false);
        string? creds = target.Services.Options.Migration.TlsDirectory is null ? null : MigrationRoute.Credentials;
        await receiver.NbdServerStartAsync(
            new NbdServerOptionsLegacy { Addr = new SocketAddressLegacy { Fd = new FdSocketAddressWrapper { Data = new FdSocketAddress { Str = SocketName } } }, TlsCreds = creds }, cancellationToken).ConfigureAwait(false);
        return new MigrationDiskWay { Host = address.ToString(), Port = ((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture) };
    }

    /// <summary>The guest stands still: what it has written last is written at the target too, and nothing connects the two any more.</summary>
    public static async Task FinishAsync(MachineChange source, CancellationToken cancellationToken)
    {
        var client = await source.MonitorAsync(cancellationToken).ConfigureAwait(false);
        foreach (var job in await JobsAsync(client, cancellationToken).ConfigureAwait(false))
            await client.BlockJobCancelAsync(job.Id, force: false, cancellationToken).ConfigureAwait(false);
        var ended = await ConcludedAsync(source, client, cancellationToken).ConfigureAwait(false);
        if (ended.Find(job => job.Error is not null) is { } failed)
            throw Lost(source, failed);
        await RemoveAsync(client, ended, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The target has the guest: nobody else writes to its disks any more.</summary>
    public static async Task CloseAsync(MachineChange target, CancellationToken cancellationToken)
    {
        if (DisksOf(target.Config).Count > 0)
            await (await target.MonitorAsync(cancellationToken).ConfigureAwait(false)).NbdServerStopAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes from the source's QEMU what a move has left that did not come about. Can be done again.</summary>
    public static async Task CleanAsync(MachineChange source, QmpClient client)
    {
        using var patience = new CancellationTokenSource(source.Services.Options.StartTimeout, source.Services.Time);
        try
        {
            await CleanAsync(source, client, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (patience.IsCancellationRequested)
        {
            throw new HypervisorException($"The mirrors of '{source.Config.Name}' do not end after a move that was given up.", ErrorCode.Timeout, RequestOutcome.FailedMidway, error);
        }
    }

    private static async Task CleanAsync(MachineChange source, QmpClient client, CancellationToken cancellationToken)
    {
        foreach (var job in await JobsAsync(client, cancellationToken).ConfigureAwait(false))
        {
            if (job.Status != JobStatus.Concluded)
                await client.BlockJobCancelAsync(job.Id, force: true, cancellationToken).ConfigureAwait(false);
        }

        await RemoveAsync(client, await ConcludedAsync(source, client, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    private static string IdOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{index}");

    private static async Task MirrorAsync(QmpClient client, DiskConfig disk, int index, BlockdevOptionsNbd way, MigrationOptions options, CancellationToken cancellationToken)
    {
        await client.BlockdevAddAsync(new BlockdevOptions { NodeName = IdOf(index), Nbd = way }, cancellationToken).ConfigureAwait(false);
        await client.BlockdevMirrorAsync(
            new BlockdevMirrorArguments
            {
                JobId = IdOf(index),
                Device = disk.NodeName,
                Target = IdOf(index),
                Sync = MirrorSyncMode.Full,
                // However much the guest writes, it comes to an end.
                CopyMode = MirrorCopyMode.WriteBlocking,
                AutoDismiss = false,
                Speed = options.MaxBandwidthPerSecond?.Bytes,
            }, cancellationToken).ConfigureAwait(false);
    }

    private static async Task AwaitReadyAsync(MachineChange source, QmpClient client, IMigrationTarget target, CancellationToken cancellationToken)
    {
        while (true)
        {
            var jobs = await JobsAsync(client, cancellationToken).ConfigureAwait(false);
            if (jobs.Find(job => job.Error is not null || job.Status == JobStatus.Concluded) is { } failed)
                throw Lost(source, failed);
            if (jobs.TrueForAll(job => job.Status == JobStatus.Ready))
                return;
            // A target that has died is noticed at once, and not when the limit of the bandwidth lets the mirror write again.
            await target.HasComeAsync(cancellationToken).ConfigureAwait(false);
            long total = jobs.Sum(job => job.TotalProgress), done = jobs.Sum(job => job.CurrentProgress);
            source.Progress.Say(string.Create(CultureInfo.InvariantCulture, $"disks: {done >> 10} of {total >> 10} KiB copied"), total == 0 ? 0 : Math.Min(1, done / (double)total));
            await Task.Delay(s_look, source.Services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<List<JobInfo>> JobsAsync(QmpClient client, CancellationToken cancellationToken) =>
        [.. (await client.QueryJobsAsync(cancellationToken).ConfigureAwait(false)).Where(job => job.Id.StartsWith(Prefix, StringComparison.Ordinal))];

    private static async Task<List<JobInfo>> ConcludedAsync(MachineChange source, QmpClient client, CancellationToken cancellationToken)
    {
        while (true)
        {
            var jobs = await JobsAsync(client, cancellationToken).ConfigureAwait(false);
            if (jobs.TrueForAll(job => job.Status == JobStatus.Concluded))
                return jobs;
            await Task.Delay(s_look, source.Services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task RemoveAsync(QmpClient client, List<JobInfo> jobs, CancellationToken cancellationToken)
    {
        foreach (var job in jobs)
            await client.JobDismissAsync(job.Id, cancellationToken).ConfigureAwait(false);
        foreach (var node in await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            if (node.NodeName is { } name && name.StartsWith(Prefix, StringComparison.Ordinal))
                await client.BlockdevDelAsync(name, cancellationToken).ConfigureAwait(false);
        }
    }

    private static HypervisorException Lost(MachineChange source, JobInfo job) =>
        new($"The disks of '{source.Config.Name}' could not be copied: {job.Error ?? "the mirror ended before its time"}.", ErrorCode.Unspecified, RequestOutcome.FailedMidway) { BackendMessage = job.Error };
}
