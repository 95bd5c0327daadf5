#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Guests;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Backups;

/// <summary>
/// Hands the frozen view of a disk to other programs. It is the view of a backup, and what holds for one holds for it: a machine has one at a time, and whoever finds <c>locks/ID.backup</c> free removes from QEMU what is left of it.
/// A socket of TCP is opened here and handed to QEMU, which cannot say on which port it listens.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuDiskExports(QemuServices services, MachineTable machines, QemuBackups backups, AgentChannel agents) : IDiskExports
{
    private const string SocketName = "hv-export";

    public async Task<DiskExport> ExportAsync(InstanceId id, DeviceId disk, DiskExportOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (disk.IsDefault)
            throw new ArgumentException("A disk is needed.", nameof(disk));
        options ??= new DiskExportOptions();
        var (_, config) = machines.Require(id);
        cancellationToken.ThrowIfCancellationRequested();
        Require(config, disk);
        bool isEncrypted = options.Listen is not null && services.Options.ExportTlsDirectory is not null;
        if (options.Listen is { } address && !isEncrypted && !IPAddress.IsLoopback(address))
            throw SpecProblem.Unsupported("options.listen", $"at {address} others would read the disk without encryption: this backend has no certificates ({nameof(QemuOptions)}.{nameof(QemuOptions.ExportTlsDirectory)})");
        var held = services.State.TryLock(id + QemuBackups.LockEnding)
            ?? throw new HypervisorException($"A backup or another export reads the disks of '{id}'. A machine has one at a time.", ErrorCode.Locked, RequestOutcome.NotSent) { Resource = $"instance {id}" };
        return await backups.BeginAsync(
            id, held, (change, token) => QemuBackups.AcceptAsync(change, new BackupOptions { Quiesce = options.Quiesce }, token),
            async (change, token) => new Export(backups, id, await ServeAsync(change, Require(change.Config, disk), options, isEncrypted, token).ConfigureAwait(false), held), cancellationToken).ConfigureAwait(false);
    }

    private async Task<Uri> ServeAsync(MachineChange change, DiskConfig disk, DiskExportOptions options, bool isEncrypted, CancellationToken cancellationToken)
    {
        change.Progress.Say("freezing the disk");
        if (options.Listen is not { } address)
        {
            await FreezeAsync(change, disk, new NbdServerOptionsLegacy { Addr = BackupNodes.UnixAddress }, options, cancellationToken).ConfigureAwait(false);
            return new Uri($"nbd+unix:///{disk.Id}?socket={Uri.EscapeDataString(services.Runtime.SocketOf(change.Id, BackupNodes.Socket))}");
        }

        using var listener = Listen(address);
        try
        {
            await ServeAsync(change, disk, listener, options, isEncrypted, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException)
        {
            await BackupNodes.CleanAsync(change, CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        string host = address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
        return new Uri(string.Create(CultureInfo.InvariantCulture, $"{(isEncrypted ? "nbds" : "nbd")}://{host}:{port}/{disk.Id}"));
    }

    private async Task ServeAsync(MachineChange change, DiskConfig disk, Socket listener, DiskExportOptions options, bool isEncrypted, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        if (isEncrypted)
        {
            await client.ObjectAddAsync(
                new ObjectOptions { Id = BackupNodes.TlsCredentials, TlsCredsX509 = new TlsCredsX509Properties { Dir = services.Options.ExportTlsDirectory!, Endpoint = QCryptoTLSCredsEndpoint.Server, VerifyPeer = true } }, cancellationToken).ConfigureAwait(false);
        }

        await client.GetFileAsync(listener.SafeHandle, SocketName, cancellationToken).ConfigureAwait(false);
        var server = new NbdServerOptionsLegacy
        {
            Addr = new SocketAddressLegacy { Fd = new FdSocketAddressWrapper { Data = new FdSocketAddress { Str = SocketName } } },
            TlsCreds = isEncrypted ? BackupNodes.TlsCredentials : null,
        };
        await FreezeAsync(change, disk, server, options, cancellationToken).ConfigureAwait(false);
    }

    private Task FreezeAsync(MachineChange change, DiskConfig disk, NbdServerOptionsLegacy server, DiskExportOptions options, CancellationToken cancellationToken) => BackupNodes.BeginAsync(
        change, change.Config, disk, server, freeze => options.Quiesce ? Quiescence.RunAsync(change, agents, freeze, cancellationToken) : freeze(), cancellationToken);

    private static Socket Listen(IPAddress address)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(address, 0));
            listener.Listen();
            return listener;
        }
        catch (SocketException error)
        {
            listener.Dispose();
            throw new HypervisorException($"This host cannot listen at {address}: {error.Message}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent, error) { FieldErrors = new Dictionary<string, string> { ["options.listen"] = error.Message } };
        }
    }

    private static DiskConfig Require(MachineConfig config, DeviceId disk)
    {
        var found = config.Disks.FirstOrDefault(known => known.Id == disk.ToString())
            ?? throw new HypervisorException($"'{config.Name}' has no disk '{DiskMaker.Echo(disk.ToString())}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {config.Id}" };
        return found.ReadOnly
            ? throw new HypervisorException($"'{config.Name}' cannot write to '{found.Id}': it stays what it is, and can be read where it is.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"instance {config.Id}" }
            : found;
    }

    private sealed class Export(QemuBackups backups, InstanceId id, Uri address, MachineLock held) : DiskExport
    {
        private int _isDisposed;

        public override Uri Address => address;

        public override async ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
                await backups.EndAsync(id, held).ConfigureAwait(false);
        }
    }
}
