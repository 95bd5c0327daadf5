using System.IO.Pipelines;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>A session over the socket of a serial port. QEMU holds the guest's line up while nobody takes what it prints.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuSerialSession : SerialSession
{
    private readonly Connection _connection;
    private readonly MachineLock _held;
    private readonly Task _copying;
    private int _released;

    /// <param name="connection">To QEMU's end of the line; owned.</param>
    /// <param name="held">Keeps other processes out; owned.</param>
    /// <param name="replay">What comes first.</param>
    /// <param name="time">The clock.</param>
    public QemuSerialSession(Connection connection, MachineLock held, ReadOnlyMemory<byte> replay, TimeProvider time)
        : base(DefaultPatience, time)
    {
        _connection = connection;
        _held = held;
        _copying = CopyAsync(replay);
    }

    public override PipeWriter Output => _connection.Output;

    public override async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        await StopReadingAsync().ConfigureAwait(false);
        await _copying.ConfigureAwait(false);
    }

    protected override async Task HangUpAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        await _copying.ConfigureAwait(false);
    }

    private async Task CopyAsync(ReadOnlyMemory<byte> replay)
    {
        bool isLost = false;
        bool guestEnded = false;
        try
        {
            bool wanted = replay.IsEmpty || await HandOverAsync(replay).ConfigureAwait(false);
            while (wanted)
            {
                var read = await _connection.Input.ReadAsync().ConfigureAwait(false);
                foreach (var part in read.Buffer)
                    wanted = wanted && await HandOverAsync(part).ConfigureAwait(false);
                _connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    guestEnded = true;
                    break;
                }
            }
        }
        catch (ConnectionClosedException)
        {
            isLost = true;
        }

        Release();
        await CompleteAsync(() => Task.FromResult(guestEnded ? new HypervisorException("The machine has stopped.", ErrorCode.InvalidState, RequestOutcome.Rejected) : null)).ConfigureAwait(false);
        if (!isLost)
            await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) != 0)
            return;
        _held.Remove();
        _held.Dispose();
    }
}
