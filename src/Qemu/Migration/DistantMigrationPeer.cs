using System.Runtime.Versioning;
using Hypervisor.Sdk.Remote;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>A backend of another process, as the other side of a move: called by a channel of its own for each thing that is asked, and one for a move, which lasts as long.</summary>
[SupportedOSPlatform("linux")]
internal sealed class DistantMigrationPeer(string name, IBackendChannels channels, TimeProvider time) : IMigrationPeer
{
    public string Name => name;

    public string? StatePath => null;

    public async Task<MigrationAnswer> AskAsync(MigrationQuestion question, CancellationToken cancellationToken) =>
        (await CallAsync(new MigrationCall { Word = MigrationWords.Ask, Question = question }, cancellationToken).ConfigureAwait(false)).Answer ?? throw DistantMigrationTarget.Broken(name);

    public async Task<Guid?> FindWaitingAsync(string id, string identity, CancellationToken cancellationToken) =>
        (await CallAsync(new MigrationCall { Word = MigrationWords.FindWaiting, Id = id, Identity = identity }, cancellationToken).ConfigureAwait(false)).Migration;

    public async Task<MigrationStanding> SettleAsync(string id, MigrationVerdict verdict, CancellationToken cancellationToken) =>
        (await CallAsync(new MigrationCall { Word = MigrationWords.Settle, Id = id, Verdict = verdict }, cancellationToken).ConfigureAwait(false)).Standing ?? throw DistantMigrationTarget.Broken(name);

    public async Task<MigrationVerdict?> JudgeAsync(string id, Guid migration, string identity, CancellationToken cancellationToken) =>
        (await CallAsync(new MigrationCall { Word = MigrationWords.Judge, Id = id, Migration = migration, Identity = identity }, cancellationToken).ConfigureAwait(false)).Verdict;

    public async Task<bool> TryGiveBackAsync(string id, Guid migration, string identity, CancellationToken cancellationToken) =>
        (await CallAsync(new MigrationCall { Word = MigrationWords.GiveBack, Id = id, Migration = migration, Identity = identity }, cancellationToken).ConfigureAwait(false)).Flag;

    public async Task<IMigrationTarget> HoldAsync(string id, CancellationToken cancellationToken)
    {
        var channel = await channels.OpenAsync(MigrationWords.Calls, default, cancellationToken).ConfigureAwait(false);
        var target = new DistantMigrationTarget(name, id, channels, channel, time);
        try
        {
            await target.CallAsync(new MigrationCall { Word = MigrationWords.Hold, Id = id }, cancellationToken).ConfigureAwait(false);
            return target;
        }
        catch
        {
            await target.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<MigrationReply> CallAsync(MigrationCall call, CancellationToken cancellationToken)
    {
        var channel = await channels.OpenAsync(MigrationWords.Calls, default, cancellationToken).ConfigureAwait(false);
        var target = new DistantMigrationTarget(name, call.Id ?? "", channels, channel, time);
        await using (target.ConfigureAwait(false))
            return await target.CallAsync(call, cancellationToken).ConfigureAwait(false);
    }
}
