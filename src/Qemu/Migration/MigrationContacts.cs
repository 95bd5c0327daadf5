using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Remote;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>Finds the other side of a move by its backend's name (<see cref="QemuOptions.FindBackend"/>), and asks it. One that does not answer in time is one that says nothing.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationContacts(QemuServices services)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>The backend of a name, or why machines do not go there.</summary>
    /// <exception cref="HypervisorException">It cannot be reached.</exception>
    public async Task<(IMigrationPeer? Peer, string? Problem)> FindAsync(BackendName name, CancellationToken cancellationToken)
    {
        if (services.Options.FindBackend is not { } find)
            return (null, $"This backend was connected without {nameof(QemuOptions)}.{nameof(QemuOptions.FindBackend)}, so it does not find '{name}'.");
        var backend = await find(name, cancellationToken).ConfigureAwait(false);
        if (backend.TryGet<LocalMigrationPeer>(out var local))
            return (local, null);
        return backend.Info.Kind == QemuBackend.Kind && backend.TryGet<IBackendChannels>(out var channels)
            ? (new DistantMigrationPeer(name.ToString(), channels, services.Time), null)
            : (null, $"The backend '{name}' is of the kind '{backend.Info.Kind}': a machine of QEMU moves to QEMU.");
    }

    /// <summary>Asks the source of a machine that is coming for its word.</summary>
    /// <returns>Null when it has none, or does not answer.</returns>
    public Task<MigrationVerdict?> JudgeAsync(string id, IncomingMachine incoming, CancellationToken cancellationToken) =>
        AskAsync(incoming.Source, (peer, token) => peer.JudgeAsync(id, incoming.Migration, incoming.SourceIdentity ?? "", token), null, cancellationToken);

    /// <summary>Gives a machine back to its source.</summary>
    /// <returns>False when it cannot be done now.</returns>
    public Task<bool> TryGiveBackAsync(string id, IncomingMachine incoming, CancellationToken cancellationToken) =>
        AskAsync(incoming.Source, (peer, token) => peer.TryGiveBackAsync(id, incoming.Migration, incoming.SourceIdentity ?? "", token), false, cancellationToken);

    /// <summary>As the source, under its lock: how a machine stands at the target that it was given to.</summary>
    public async Task<MigrationStanding> StandingAsync(MachineChange source, MigrationIntent intent, bool mayAsk, CancellationToken cancellationToken)
    {
        if (intent.TargetIdentity is null)
            return MigrationDecision.IsTaken(source.Id, intent) == true ? MigrationStanding.Settled : MigrationStanding.Open;
        if (!mayAsk)
            return MigrationStanding.Open;
        var verdict = new MigrationVerdict { Identity = services.State.Identity(), Target = intent.TargetIdentity, Migration = intent.Migration, IsGiven = true, IsSourceUp = source.ReadLiveRecord() is not null };
        return await AskAsync(intent.Target, (peer, token) => peer.SettleAsync(source.Id, verdict, token), MigrationStanding.Open, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>As the source, under its lock: says to a target that nothing is given to it. It finds that out for itself when it is not reached.</summary>
    public Task DeclineAsync(MachineChange source, MigrationIntent intent, CancellationToken cancellationToken) => intent.TargetIdentity is null ? Task.CompletedTask : AskAsync(
        intent.Target, (peer, token) => peer.SettleAsync(source.Id, new MigrationVerdict { Identity = services.State.Identity(), Target = intent.TargetIdentity, Migration = intent.Migration, IsSourceUp = true }, token), MigrationStanding.Open, cancellationToken);

    private async Task<T> AskAsync<T>(string? name, Func<IMigrationPeer, CancellationToken, Task<T>> ask, T unknown, CancellationToken cancellationToken)
    {
        if (name is null || services.Options.FindBackend is null)
            return unknown;
        using var timer = new CancellationTokenSource(s_patience, services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            var (peer, _) = await FindAsync(BackendName.Parse(name), either.Token).ConfigureAwait(false);
            return peer is null ? unknown : await ask(peer, either.Token).ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever keeps it from answering, also in the caller's way of finding it: it is asked again.
            return unknown;
        }
    }
}
