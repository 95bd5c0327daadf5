using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// The source of a machine that is coming, as recovery at the target knows it: by what it has just said (a verdict), by its directory where that is open to this process, or by asking the backend that it is. Who cannot be asked has
/// decided nothing that is known here.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationOrigin(MigrationContacts contacts, string id, IncomingMachine incoming, MigrationVerdict? said, bool mayAsk)
{
    private MigrationVerdict? _verdict = said is not null && said.Identity == incoming.SourceIdentity && said.Migration == incoming.Migration ? said : null;

    /// <summary>Whether the machine was given to this target; null when it is not known, or not decided.</summary>
    public async Task<bool?> IsGivenAsync(CancellationToken cancellationToken)
    {
        if (incoming.SourceState is not null)
            return MigrationDecision.IsGiven(id, incoming);
        _verdict ??= mayAsk ? await contacts.JudgeAsync(id, incoming, cancellationToken).ConfigureAwait(false) : null;
        return _verdict?.IsGiven;
    }

    /// <summary>Whether the source's QEMU is there; null when it is not known.</summary>
    public async Task<bool?> IsUpAsync(CancellationToken cancellationToken)
    {
        if (incoming.SourceState is not null)
            return MigrationDecision.IsSourceUp(id, incoming);
        await IsGivenAsync(cancellationToken).ConfigureAwait(false);
        return _verdict?.IsSourceUp;
    }

    /// <summary>Gives the machine back. False when that cannot be done now: a source that has just said its verdict does it itself, when it hears how things stand.</summary>
    public async Task<bool> TryGiveBackAsync(CancellationToken cancellationToken) => incoming.SourceState is not null
        ? MigrationDecision.TryTakeBack(id, incoming)
        : said is null && mayAsk && await contacts.TryGiveBackAsync(id, incoming, cancellationToken).ConfigureAwait(false);
}
