using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>The target's side of a move, on the host of the target.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LocalMigrationTarget(MachineChange change, DiskMaker disks) : IMigrationTarget
{
    public string Id => change.Id;

    public bool IsLost => false;

    public async Task<MigrationWay> PrepareAsync(MigrationArrival arrival, CancellationToken cancellationToken)
    {
        await MigrationReceiver.PrepareAsync(change, arrival.Config, disks, RequestId.Parse(arrival.Request), cancellationToken).ConfigureAwait(false);
        return await MigrationRoute.PrepareAsync(change, cancellationToken).ConfigureAwait(false);
    }

    public Task<bool> IsComingAsync(Guid migration, CancellationToken cancellationToken) => Task.FromResult(change.Machine.ReadConfig()?.Incoming?.Migration == migration);

    public Task<MigrationDiskWay> ListenForDisksAsync(CancellationToken cancellationToken) => MigrationStorage.ListenAsync(change, cancellationToken);

    public Task CloseDisksAsync(CancellationToken cancellationToken) => MigrationStorage.CloseAsync(change, cancellationToken);

    public Task<string> ListenAsync(bool isPostCopy, CancellationToken cancellationToken) => MigrationRoute.ListenAsync(change, isPostCopy, cancellationToken);

    public Task<string> ListenAgainAsync(string? listening, CancellationToken cancellationToken) => MigrationRoute.ListenAgainAsync(change, listening, cancellationToken);

    public Task<MigrationPipe> ConnectAsync(string socketName, CancellationToken cancellationToken) => ConnectAsync(change.Services, change.Id, socketName, cancellationToken);

    public async Task<bool> HasComeAsync(CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        return (await client.GetRunStatusAsync(cancellationToken).ConfigureAwait(false)).Status != RunState.Inmigrate;
    }

    public Task<bool> IsUpAsync(CancellationToken cancellationToken) => Task.FromResult(change.ReadLiveRecord() is not null);

    public Task AwaitAsync(bool isSenderGone, CancellationToken cancellationToken) => MigrationReceiver.AwaitAsync(change, isSenderGone, cancellationToken);

    public Task<bool> AwaitRestAsync(bool isSenderGone, CancellationToken cancellationToken) => MigrationPostCopy.AwaitRestAsync(change, isSenderGone, cancellationToken);

    public Task<MigrationFailure?> LetGoAsync() => MigrationReceiver.LetGoAsync(change);

    public Task KillAsync() => MachineLauncher.KillAsync(change, CancellationToken.None);

    public async Task TakeAsync(bool isUp)
    {
        await MigrationReceiver.TakeAsync(change, isUp).ConfigureAwait(false);
        foreach (var open in change.Journal.Open.ToList())
            change.Journal.End(open.Operation, JournalOutcomes.Succeeded, change.Services.Time.GetUtcNow());
    }

    public async Task<Instance> ViewAsync()
    {
        await change.CatchUpAsync().ConfigureAwait(false);
        return await change.ViewAsync(CancellationToken.None).ConfigureAwait(false);
    }

    public Task DropAsync(HypervisorException reason) => MigrationReceiver.DropAsync(change, reason);

    public ValueTask DisposeAsync() => change.DisposeAsync();

    /// <summary>Connects to a socket of the QEMU of a machine that is coming.</summary>
    public static async Task<MigrationPipe> ConnectAsync(QemuServices services, string id, string socketName, CancellationToken cancellationToken)
    {
        try
        {
            return await SocketPipe.ConnectAsync(services.Runtime.SocketOf(id, socketName), cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException error)
        {
            throw new HypervisorException($"The target's QEMU does not take the guest in: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Rejected, error);
        }
    }
}
