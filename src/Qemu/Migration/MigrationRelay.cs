using System.Buffers;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// The way of a guest's memory: a socket beside those of the source, to which its QEMU connects, and one beside those of the target, on which its QEMU listens; this process carries what comes. So neither QEMU needs a right in the
/// other's directories, nobody else can join in, and when this process dies both hear of it at once.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationRelay : IAsyncDisposable
{
    /// <summary>The socket, in the runtime directory of either side.</summary>
    public const string SocketName = "migrate.sock";

    /// <summary>What QEMU calls it: its runtime directory is a descriptor that it has inherited.</summary>
    public static readonly string Uri = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"unix:/proc/self/fd/{MachineArguments.RuntimeDescriptor}/{SocketName}");

    private const int ChunkBytes = 256 << 10;

    private readonly CancellationTokenSource _closing = new();
    private readonly string _path;
    private readonly Socket _listener;
    private readonly Socket _target;
    private readonly Task _carrying;

    private MigrationRelay(string path, Socket listener, Socket target)
    {
        _path = path;
        _listener = listener;
        _target = target;
        _carrying = Task.Run(CarryAsync);
    }

    /// <summary>Connects to the target, which listens already, and waits for the source.</summary>
    public static async Task<MigrationRelay> OpenAsync(MachineChange source, MachineChange target, CancellationToken cancellationToken)
    {
        string path = source.Services.Runtime.SocketOf(source.Id, SocketName);
        var outgoing = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await outgoing.ConnectAsync(new UnixDomainSocketEndPoint(target.Services.Runtime.SocketOf(target.Id, SocketName)), cancellationToken).ConfigureAwait(false);
            var listening = Listen(source, path);
            return new MigrationRelay(path, listening, outgoing);
        }
        catch (SocketException error)
        {
            outgoing.Dispose();
            throw new HypervisorException($"The target's QEMU does not take the guest's memory: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Rejected, error);
        }
        catch
        {
            outgoing.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        _target.Dispose();
        await _carrying.ConfigureAwait(false);
        _closing.Dispose();
        File.Delete(_path);
    }

    private static Socket Listen(MachineChange source, string path)
    {
        string effect = $"make socket {source.Id}/{SocketName}";
        source.Services.State.Seam?.Before(effect);
        var handle = ListeningSocket.Create(path);
        source.Services.Host.RunAs?.Own(path);
        source.Services.State.Seam?.After(effect);
        var socket = new Socket(new SafeSocketHandle(handle.DangerousGetHandle(), ownsHandle: true));
        handle.SetHandleAsInvalid();
        return socket;
    }

    private async Task CarryAsync()
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            using var source = await _listener.AcceptAsync(_closing.Token).ConfigureAwait(false);
            int count;
            while ((count = await source.ReceiveAsync(chunk, SocketFlags.None, _closing.Token).ConfigureAwait(false)) > 0)
            {
                for (int sent = 0; sent < count;)
                    sent += await _target.SendAsync(chunk.AsMemory(sent, count - sent), SocketFlags.None, _closing.Token).ConfigureAwait(false);
            }

            _target.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Either end is gone, or the move is over: both QEMUs say what that did to them.
            _target.Dispose();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}
