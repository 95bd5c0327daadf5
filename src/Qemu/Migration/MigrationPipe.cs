using System.Buffers;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Remote;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>One end of a way by which a guest's memory or disks go.</summary>
internal abstract class MigrationPipe : IAsyncDisposable
{
    private const int ChunkBytes = 256 << 10;

    /// <summary>Takes what has come; 0 at the end.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Sends all of it.</summary>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Says that nothing more is sent.</summary>
    public abstract ValueTask EndAsync();

    /// <summary>Closes it at once, in both directions. Never throws.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>Carries bytes both ways until both have ended; what breaks one way breaks both. Disposes them. Never throws.</summary>
    public static async Task CarryAsync(MigrationPipe one, MigrationPipe other, CancellationToken cancellationToken)
    {
        await Task.WhenAll(CopyAsync(one, other, cancellationToken), CopyAsync(other, one, cancellationToken)).ConfigureAwait(false);
        await one.DisposeAsync().ConfigureAwait(false);
        await other.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task CopyAsync(MigrationPipe from, MigrationPipe to, CancellationToken cancellationToken)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(chunk, cancellationToken).ConfigureAwait(false)) > 0)
                await to.SendAsync(chunk.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            await to.EndAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException or HypervisorException or InvalidOperationException)
        {
            // Either end is gone, or the move is over: both QEMUs say what that did to them.
            await from.DisposeAsync().ConfigureAwait(false);
            await to.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}

/// <summary>A unix socket.</summary>
[SupportedOSPlatform("linux")]
internal sealed class SocketPipe(Socket socket) : MigrationPipe
{
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static async Task<SocketPipe> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return new SocketPipe(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken) => socket.ReceiveAsync(bytes, SocketFlags.None, cancellationToken);

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
    }

    public override ValueTask EndAsync()
    {
        socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A channel to or from another process.</summary>
internal sealed class ChannelPipe(BackendChannel channel) : MigrationPipe
{
#pragma warning disable CA2213 // It has no wait handle, and whoever still reads when this is disposed lets go of it.
    private readonly SemaphoreSlim _reading = new(1, 1);
#pragma warning restore CA2213
    private bool _isClosed;

    public override async ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            var read = await channel.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (read.IsCanceled)
                throw new OperationCanceledException("The way was closed.");
            int count = (int)Math.Min(bytes.Length, read.Buffer.Length);
            var taken = read.Buffer.Slice(0, count);
            taken.CopyTo(bytes.Span);
            channel.Input.AdvanceTo(taken.End);
            return count;
        }
        finally
        {
            _reading.Release();
        }
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var sent = await channel.Output.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        if (sent.IsCompleted || sent.IsCanceled)
            throw new IOException("Nobody reads at the other end.");
    }

    public override ValueTask EndAsync() => channel.Output.CompleteAsync();

    /// <summary>Closes it when nobody has bytes of it in hand any more.</summary>
    public override async ValueTask DisposeAsync()
    {
        channel.Input.CancelPendingRead();
        await _reading.WaitAsync().ConfigureAwait(false);
        _isClosed = true;
        _reading.Release();
        await channel.DisposeAsync().ConfigureAwait(false);
    }
}
