using System.Buffers;
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

    private const int ChunkBytes = 256 << 10;

    private readonly CancellationTokenSource _closing = new();
    private readonly string _path;
    private readonly string _targetPath;
    private readonly Socket _listener;
    private readonly Socket _first;
    private readonly Task _carrying;

    private MigrationRelay(string path, string targetPath, Socket listener, Socket first)
    {
        (_path, _targetPath, _listener, _first) = (path, targetPath, listener, first);
        _carrying = Task.Run(CarryAllAsync);
    }

    /// <summary>Connects to the target, which listens already, and waits for the source.</summary>
    public static async Task<MigrationRelay> OpenAsync(MachineChange source, MachineChange target, string socketName, CancellationToken cancellationToken)
    {
        string path = source.Services.Runtime.SocketOf(source.Id, socketName);
        string targetPath = target.Services.Runtime.SocketOf(target.Id, socketName);
        Socket? first = null;
        try
        {
            first = await ConnectAsync(targetPath, cancellationToken).ConfigureAwait(false);
            return new MigrationRelay(path, targetPath, Listen(source, socketName, path), first);
        }
        catch (SocketException error)
        {
            first?.Dispose();
            throw new HypervisorException($"The target's QEMU does not take the guest in: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Rejected, error);
        }
        catch
        {
            first?.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        _first.Dispose();
        await _carrying.ConfigureAwait(false);
        _closing.Dispose();
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

    private static async Task<Socket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>In the order in which the source's QEMU connects: the target's takes the first for what leads the others.</summary>
    private async Task CarryAllAsync()
    {
        var carried = new List<Task>();
        try
        {
            while (true)
            {
                var source = await _listener.AcceptAsync(_closing.Token).ConfigureAwait(false);
                try
                {
                    carried.Add(CarryAsync(source, carried.Count == 0 ? _first : await ConnectAsync(_targetPath, _closing.Token).ConfigureAwait(false)));
                }
                catch (SocketException)
                {
                    // The target takes no more: the source's QEMU hears of it, and says so.
                    source.Dispose();
                }
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The move is over.
        }

        await Task.WhenAll(carried).ConfigureAwait(false);
    }

    private async Task CarryAsync(Socket source, Socket target)
    {
        using (source)
        using (target)
            await Task.WhenAll(CopyAsync(source, target), CopyAsync(target, source)).ConfigureAwait(false);
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(chunk, SocketFlags.None, _closing.Token).ConfigureAwait(false)) > 0)
            {
                for (int sent = 0; sent < count;)
                    sent += await to.SendAsync(chunk.AsMemory(sent, count - sent), SocketFlags.None, _closing.Token).ConfigureAwait(false);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Either end is gone, or the move is over: both QEMUs say what that did to them.
            from.Dispose();
            to.Dispose();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}
