using System.Runtime.Versioning;
using System.Threading.Channels;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// Settles in the background what interrupted moves have left whose other side is another process: machines that are coming and do not know whose they are, and machines that were given and do not know whether they arrived. The other
/// side is asked again and again, for as long as there is one and this backend is open.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationSettling(QemuServices services, MachineTable table, MachineRecovery recovery) : IAsyncDisposable
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _closing = new();
    private readonly Channel<bool> _asked = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private Task _settling = Task.CompletedTask;

    /// <summary>Looks now, when it does not already.</summary>
    public void Settle() => _asked.Writer.TryWrite(true);

    /// <summary>Begins, when this backend can be found by others.</summary>
    public void Begin()
    {
        Settle();
        _settling = Task.Run(SettleAllAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _settling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closing.Dispose();
    }

    private async Task SettleAllAsync()
    {
        var pause = s_firstPause;
        while (await _asked.Reader.WaitToReadAsync(_closing.Token).ConfigureAwait(false))
        {
            while (_asked.Reader.TryRead(out _))
                pause = s_firstPause;
            while (await TrySettleAsync().ConfigureAwait(false))
            {
                await Task.Delay(pause, services.Time, _closing.Token).ConfigureAwait(false);
                pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
            }
        }
    }

    /// <returns>Whether anything is left.</returns>
    private async Task<bool> TrySettleAsync()
    {
        bool isLeft = false;
        foreach (string id in table.Ids().Where(MachineIds.IsValid))
        {
            try
            {
                if (!IsOpen(id))
                    continue;
                await recovery.RecoverUnheldAsync(id, mayAsk: true, _closing.Token).ConfigureAwait(false);
                isLeft |= IsOpen(id);
            }
            catch (HypervisorException)
            {
                // A machine that cannot be looked at now is looked at again.
                isLeft = true;
            }
        }

        return isLeft;
    }

    private bool IsOpen(string id) => table.Get(id).ReadConfig() is { } config && (config.Incoming is { } incoming
        ? incoming.SourceState is null
        : MigrationDecision.IsGivenAway(services.State.Root, id) && services.State.ReadJournal(id).Open.Any(entry => MigrationDecision.IntentOf(entry) is { TargetIdentity: not null }));
}
