using System.Collections.Concurrent;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>This backend, as the other side of a move: for a backend of this process, and for one of another by <see cref="MigrationServer"/>.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LocalMigrationPeer(QemuServices services, MachineTable table, MachineRecovery recovery, DiskMaker disks) : IMigrationPeer
{
    private readonly ConcurrentDictionary<Architecture, MigrationOffer> _offers = [];

    public string Name => services.Name.ToString();

    public string? StatePath => services.State.Path;

    public async Task<MigrationAnswer> AskAsync(MigrationQuestion question, CancellationToken cancellationToken)
    {
        var (offer, problem) = await OfferAsync(question.Config, cancellationToken).ConfigureAwait(false);
        var obstacles = problem is null ? [] : new List<string> { problem };
        obstacles.AddRange(MigrationObstacles.AtTarget(services, disks, question));
        if (offer is not null)
            obstacles.AddRange(MigrationObstacles.Offered(services, offer, question));
        if (question.DiskBytes is { } needed)
            obstacles.AddRange(MigrationObstacles.Space(services, needed));
        return new MigrationAnswer { Obstacles = obstacles, PostCopyObstacles = offer is null ? [problem!] : [.. MigrationObstacles.PostCopy(services, offer, question.Config)] };
    }

    /// <summary>
    /// Refuses a machine that another process sends and that nobody could have made here. What it names, programs and files of this host included, comes from a host that may have been broken into: its programs must be those that are
    /// known here, its firmware one of this host's, and its files where the options of this backend allow them.
    /// </summary>
    /// <exception cref="HypervisorException">It is refused (<see cref="ErrorCode.Denied"/>).</exception>
    public async Task RequireOrdinaryAsync(MachineConfig config, string source, CancellationToken cancellationToken)
    {
        var problems = new List<string>(MigrationObstacles.Foreign(services, config));
        if (problems.Count == 0)
        {
            var question = new MigrationQuestion { Config = config, Source = source, SourceVersion = services.Host.Version.ToString(), CpuModel = MachineArguments.CpuModel(config, services.Host), GuestFeatures = [] };
            problems.AddRange(MigrationObstacles.Files(disks, config));
            string? problem = null;
            if (!_offers.TryGetValue(config.EffectivePlatform.Architecture, out var offer))
                (offer, problem) = await OfferAsync(config, cancellationToken).ConfigureAwait(false);
            problems.AddRange(offer is null ? [problem!] : MigrationObstacles.Offered(services, offer, question));
        }

        if (problems.Count > 0)
            throw new HypervisorException($"'{services.Name}' does not take '{config.Id}' in: {string.Join(" ", problems)}", ErrorCode.Denied, RequestOutcome.Rejected);
    }

    public async Task<Guid?> FindWaitingAsync(string id, string identity, CancellationToken cancellationToken)
    {
        await recovery.RecoverUnheldAsync(id, mayAsk: true, cancellationToken).ConfigureAwait(false);
        return services.State.ReadConfig(id)?.Incoming is { } incoming && incoming.SourceIdentity == identity ? incoming.Migration : null;
    }

    public async Task<MigrationStanding> SettleAsync(string id, MigrationVerdict verdict, CancellationToken cancellationToken)
    {
        if (verdict.Target is { } meant && meant != services.State.Identity())
            throw new HypervisorException($"The machine '{id}' went to another state directory than '{Name}' has now.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {id}" };
        var hold = await table.HoldAsync(id, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
        await recovery.RecoverHeldAsync(hold, verdict, cancellationToken).ConfigureAwait(false);
        if (services.State.ReadConfig(id)?.Incoming is not { } incoming || incoming.SourceIdentity != verdict.Identity || incoming.Migration != verdict.Migration)
            return MigrationStanding.Settled;
        var record = services.State.ReadProcess(id);
        using var process = record is null ? null : Machine.Hold(record);
        return verdict.IsGiven && process is null && MigrationWitness.HasRun(services.State, id, record) == false ? MigrationStanding.NeverRan : MigrationStanding.Open;
    }

    public async Task<IMigrationTarget> HoldAsync(string id, CancellationToken cancellationToken) => await HoldHereAsync(id, cancellationToken).ConfigureAwait(false);

    public async Task<LocalMigrationTarget> HoldHereAsync(string id, CancellationToken cancellationToken)
    {
        var hold = await table.HoldAsync(id, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
        return new LocalMigrationTarget(new MachineChange(services, table, hold, services.State.ReadJournal(id)), disks);
    }

    public Task<MigrationVerdict?> JudgeAsync(string id, Guid migration, string identity, CancellationToken cancellationToken)
    {
        RequireIdentity(id, identity);
        return Task.FromResult(MigrationDecision.Judge(services.State, id, migration));
    }

    public Task<bool> TryGiveBackAsync(string id, Guid migration, string identity, CancellationToken cancellationToken)
    {
        RequireIdentity(id, identity);
        return Task.FromResult(!MigrationDecision.IsGiven(services.State.Root, id, migration) || MigrationDecision.TryTakeBack(services.State.Root, id));
    }

    private void RequireIdentity(string id, string identity)
    {
        if (identity != services.State.Identity())
            throw new HypervisorException($"The machine '{id}' came from another state directory than '{Name}' has now.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {id}" };
    }

    /// <summary>What this host has for a machine, or why it cannot be asked. It is asked once for each architecture: what has no obstacle gets none while its QEMU is the same.</summary>
    private async Task<(MigrationOffer? Offer, string? Problem)> OfferAsync(MachineConfig config, CancellationToken cancellationToken)
    {
        var platform = config.EffectivePlatform;
        if (services.Architectures.Ask(QemuArchitectures.Host, platform.Architecture) is { Mode: EmulationMode.Impossible } answer)
            return (null, $"'{services.Name}' runs no guests of the architecture '{platform.Architecture}': {answer.Reason}");
        if (_offers.TryGetValue(platform.Architecture, out var known) && known.PostCopyProblem is null)
            return (known, null);
        try
        {
            return (_offers[platform.Architecture] = await MigrationOffer.AskAsync(services, config, cancellationToken).ConfigureAwait(false), null);
        }
        catch (HypervisorException error)
        {
            return (null, $"What '{services.Name}' can do is not known: {error.Message}");
        }
    }
}
