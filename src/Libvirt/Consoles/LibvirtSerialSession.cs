using System.IO.Pipelines;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Libvirt.Consoles;

/// <summary>A session over a stream of the daemon, which would keep what its user leaves unread.</summary>
internal sealed class LibvirtSerialSession : SerialSession
{
    private readonly LibvirtConnection _libvirt;
    private readonly LibvirtStream _stream;
    private readonly Pipe _typed = NewPipe();
    private readonly Func<Task<HypervisorException>> _why;
    private readonly Task _reading;
    private readonly Task _writing;
    private bool _isClosing;

    /// <param name="libvirt">The session's own connection.</param>
    /// <param name="stream">The port.</param>
    /// <param name="replay">What comes first.</param>
    /// <param name="why">Says why the daemon has ended it.</param>
    /// <param name="time">The clock.</param>
    public LibvirtSerialSession(LibvirtConnection libvirt, LibvirtStream stream, ReadOnlyMemory<byte> replay, Func<Task<HypervisorException>> why, TimeProvider time)
        : base(DefaultPatience, time)
    {
        _libvirt = libvirt;
        _stream = stream;
        _why = why;
        _reading = ReadAsync(replay);
        _writing = SendTypedAsync(_typed.Reader, part => stream.WriteAsync(part));
    }

    public override PipeWriter Output => _typed.Writer;

    public override async ValueTask DisposeAsync()
    {
        await CloseAsync(isUnwanted: true).ConfigureAwait(false);
        await _typed.Writer.CompleteAsync().ConfigureAwait(false);
    }

    protected override Task HangUpAsync() => CloseAsync(isUnwanted: false);

    private async Task CloseAsync(bool isUnwanted)
    {
        Volatile.Write(ref _isClosing, true);
        // The daemon hears that it is over before the connection goes, so that whoever is next finds the console free.
        await _stream.DisposeAsync().ConfigureAwait(false);
        if (isUnwanted)
            await StopReadingAsync().ConfigureAwait(false);
        await _libvirt.DisposeAsync().ConfigureAwait(false);
        _typed.Reader.CancelPendingRead();
        await Task.WhenAll(_reading, _writing).ConfigureAwait(false);
    }

    private async Task ReadAsync(ReadOnlyMemory<byte> replay)
    {
        await Task.Yield();
        HypervisorException? failure = null;
        try
        {
            bool wanted = replay.IsEmpty || await HandOverAsync(replay).ConfigureAwait(false);
            byte[] buffer = new byte[16 * 1024];
            while (wanted && await _stream.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var bytes)
                wanted = await HandOverAsync(buffer.AsMemory(0, bytes)).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            failure = error;
        }
        catch (ObjectDisposedException) when (Volatile.Read(ref _isClosing))
        {
            // Closed from this end.
        }

        await CompleteAsync(async () => Volatile.Read(ref _isClosing) ? null : failure is BackendConnectionException ? failure : await _why().ConfigureAwait(false)).ConfigureAwait(false);
        _typed.Reader.CancelPendingRead();
    }
}
