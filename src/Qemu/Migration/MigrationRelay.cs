using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// The way of a guest's memory and disks through this process: a socket beside those of the source, to which its QEMU connects, and one beside those of the target, on which its QEMU listens; this process carries what comes, of as many
/// connections as are made. So neither QEMU needs a right in the other's directories, nobody else can join in, and when this process dies both hear of it at once.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationRelay : IAsyncDisposable
{
    /// <summary>The socket of the memory, in the runtime directory of either side.</summary>
    public const string SocketName = "migrate.sock";

    /// <summary>What QEMU calls it: its runtime directory is a descriptor that it has inherited.</summary>
    public static readonly string Uri = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"unix:/proc/self/fd/{MachineArguments.RuntimeDescriptor}/{SocketName}");

    private readonly CancellationTokenSource _closing = new();
    private readonly string _path;
    private readonly string _socketName;
    private readonly IMigrationTarget _target;
    private readonly Socket _listener;
    private readonly MigrationPipe _first;
    private readonly Task _carrying;

    private MigrationRelay(string path, string socketName, IMigrationTarget target, Socket listener, MigrationPipe first)
    {
        (_path, _socketName, _target, _listener, _first) = (path, socketName, target, listener, first);
        _carrying = Task.Run(CarryAllAsync);
    }

    /// <summary>Connects to the target, which listens already, and waits for the source.</summary>
    public static async Task<MigrationRelay> OpenAsync(MachineChange source, IMigrationTarget target, string socketName, CancellationToken cancellationToken)
    {
        string path = source.Services.Runtime.SocketOf(source.Id, socketName);
        var first = await target.ConnectAsync(socketName, cancellationToken).ConfigureAwait(false);
        try
        {
            return new MigrationRelay(path, socketName, target, Listen(source, socketName, path), first);
        }
        catch (SocketException error)
        {
            await first.DisposeAsync().ConfigureAwait(false);
            throw new HypervisorException($"A socket for the source's QEMU cannot be made: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Rejected, error);
        }
        catch
        {
            await first.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _first.DisposeAsync().ConfigureAwait(false);
        await _carrying.ConfigureAwait(false);
        _closing.Dispose();
        // The machine may have gone from there, with its directory.
        if (File.Exists(_path))
            File.Delete(_path);
    }

    private static Socket Listen(MachineChange source, string socketName, string path)
    {
        string effect = $"make socket {source.Id}/{socketName}";
        source.Services.State.Seam?.Before(effect);
        var handle = ListeningSocket.Create(path);
        source.Services.Host.RunAs?.Own(path);
        source.Services.State.Seam?.After(effect);
        var socket = new Socket(new SafeSocketHandle(handle.DangerousGetHandle(), ownsHandle: true));
        handle.SetHandleAsInvalid();
        return socket;
    }

    /// <summary>In the order in which the source's QEMU connects: the target's takes the first for what leads the others.</summary>
    private async Task CarryAllAsync()
    {
        var carried = new List<Task>();
        try
        {
            while (true)
            {
                var source = new SocketPipe(await _listener.AcceptAsync(_closing.Token).ConfigureAwait(false));
                try
                {
                    var target = carried.Count == 0 ? _first : await _target.ConnectAsync(_socketName, _closing.Token).ConfigureAwait(false);
                    carried.Add(MigrationPipe.CarryAsync(source, target, _closing.Token));
                }
                catch (HypervisorException)
                {
                    // The target takes no more: the source's QEMU hears of it, and says so.
                    await source.DisposeAsync().ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The move is over.
        }

        await Task.WhenAll(carried).ConfigureAwait(false);
    }
}
