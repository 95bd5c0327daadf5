using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>Finds requests and operations again in the journals, also those of other processes and of machines that are gone.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuRequests(QemuServices services, MachineTable table, MachineWork work, MachineRecovery recovery) : IRequestLog, IOperations
{
    public async Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default)
    {
        if (id.IsDefault)
            throw new ArgumentException("A request id is needed.", nameof(id));
        if (work.FindRunning(id) is { } running)
            return new RequestLookup { State = RequestState.Running, Operation = running.Token, Instance = MachineOf(running.Token) };
        // The machine that a create makes is known by the request.
        string own = MachineIds.Of(id);
        bool mayBeForgotten = false;
        foreach (string machine in table.Ids().Where(MachineIds.IsValid).OrderByDescending(machine => machine == own))
        {
            var journal = services.State.ReadJournal(machine);
            if (journal.Find(id) is not { } entry)
            {
                mayBeForgotten |= MayBeForgotten(id, journal.Entries);
                continue;
            }

            if (journal.EndOf(entry.Operation) is null)
            {
                await recovery.RecoverUnheldAsync(machine, cancellationToken).ConfigureAwait(false);
                journal = services.State.ReadJournal(machine);
            }

            return Answer(machine, entry, journal.EndOf(entry.Operation), stillThere: services.State.Root.Find(StateDirectory.Machine(machine)) is not null);
        }

        foreach (string machine in services.State.List("gone").OrderByDescending(machine => machine == own))
        {
            if (MachineRemoval.ReadGone(services.State, machine) is not { } entries)
                continue;
            if (entries.LastOrDefault(entry => entry.Request == id.ToGuid()) is { } entry)
                return Answer(machine, entry, entries.FirstOrDefault(end => end.Operation == entry.Operation && end.Outcome is not null), stillThere: true);
            mayBeForgotten |= MayBeForgotten(id, entries);
        }

        mayBeForgotten |= MachineRemoval.OldestKept(services.State) is { } oldest && IsOlder(id, oldest);
        return new RequestLookup { State = mayBeForgotten ? RequestState.Expired : RequestState.NeverSeen };
    }

    public Task<Operation?> ResumeAsync(OperationToken token, CancellationToken cancellationToken = default)
    {
        if (token.IsDefault || token.Backend != services.Name || token.Version != 1)
            throw new ArgumentException($"'{token}' is not a token of this backend.", nameof(token));
        string[] parts = token.Value.Split('.');
        if (parts.Length != 2 || !MachineIds.IsValid(parts[0]) || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            throw new ArgumentException($"'{token}' is not a token of this backend.", nameof(token));
        if (work.FindRunning(token) is { } running)
            return Task.FromResult<Operation?>(running);
        var beginning = Read(parts[0], number).Beginning;
        return Task.FromResult<Operation?>(beginning is null ? null : new JournalOperation(this, services, table, token, RequestId.FromGuid(beginning.Request!.Value), parts[0], number));
    }

    /// <summary>What the journal says of an operation, after recovery when nobody carries it on.</summary>
    public async Task<(JournalEntry? Beginning, JournalEntry? End)> ReadAsync(string machine, long number, CancellationToken cancellationToken)
    {
        var found = Read(machine, number);
        if (found is not ({ }, null))
            return found;
        await recovery.RecoverUnheldAsync(machine, cancellationToken).ConfigureAwait(false);
        return Read(machine, number);
    }

    private (JournalEntry? Beginning, JournalEntry? End) Read(string machine, long number)
    {
        var journal = services.State.ReadJournal(machine);
        if (journal.BeginningOf(number) is { } beginning)
            return (beginning, journal.EndOf(number));
        var gone = MachineRemoval.ReadGone(services.State, machine) ?? [];
        return (gone.FirstOrDefault(entry => entry.Operation == number && entry.Outcome is null), gone.FirstOrDefault(entry => entry.Operation == number && entry.Outcome is not null));
    }

    private RequestLookup Answer(string machine, JournalEntry entry, JournalEntry? end, bool stillThere)
    {
        var state = end?.Outcome switch
        {
            JournalOutcomes.Succeeded => RequestState.Succeeded,
            null when stillThere => RequestState.Running,
            _ => RequestState.Failed,
        };
        // A process that ended while it removed what an interrupted one had left has not said why.
        var error = end?.Error?.ToException() ?? (state == RequestState.Failed ? MachineRecovery.Interrupted(entry) : null);
        return new RequestLookup { State = state, Instance = InstanceId.Parse(machine), Operation = work.TokenOf(machine, entry.Operation), Error = error };
    }

    /// <summary>Whether a journal has dropped operations among which the request may have been: those before the oldest that it keeps.</summary>
    private static bool MayBeForgotten(RequestId id, IReadOnlyList<JournalEntry> entries) =>
        entries.Where(entry => entry.Outcome is null).MinBy(entry => entry.Operation) is { Operation: > 1 } oldest && IsOlder(id, oldest.At);

    /// <summary>The first 48 bits of a UUID of version 7 are its time in milliseconds (RFC 9562). Another one may be of any age.</summary>
    private static bool IsOlder(RequestId id, DateTimeOffset than)
    {
        var value = id.ToGuid();
        return value.Version != 7 || DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(value.ToString("N").AsSpan(0, 12), NumberStyles.HexNumber, CultureInfo.InvariantCulture)) <= than;
    }

    private static InstanceId? MachineOf(OperationToken? token) => token is { } known ? InstanceId.Parse(known.Value.Split('.')[0]) : null;
}

/// <summary>An operation of another process, or of one that is no more: what the journal says of it.</summary>
[SupportedOSPlatform("linux")]
internal sealed class JournalOperation(QemuRequests requests, QemuServices services, MachineTable table, OperationToken token, RequestId requestId, string machine, long number) : Operation<Instance>
{
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(100);

    public override OperationToken? Token => token;

    public override RequestId RequestId => requestId;

    public override async ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default)
    {
        var (beginning, end) = await requests.ReadAsync(machine, number, cancellationToken).ConfigureAwait(false);
        return end?.Outcome switch
        {
            JournalOutcomes.Succeeded => new OperationProgress { State = OperationState.Succeeded, Fraction = 1 },
            JournalOutcomes.Cancelled => new OperationProgress { State = OperationState.Cancelled, Error = end.Error?.ToException() },
            JournalOutcomes.Failed => new OperationProgress { State = OperationState.Failed, Error = end.Error?.ToException() ?? (beginning is null ? null : MachineRecovery.Interrupted(beginning)) },
            _ => new OperationProgress { State = beginning is null ? OperationState.Unknown : OperationState.Running },
        };
    }

    public override async Task<Instance> WaitAsync(CancellationToken cancellationToken = default)
    {
        OperationProgress last = new() { State = OperationState.Unknown };
        await foreach (var moment in WatchAsync(cancellationToken).ConfigureAwait(false))
            last = moment;
        if (last.State != OperationState.Succeeded)
            throw last.Error ?? new HypervisorException($"What became of the operation '{token}' is no longer known.", ErrorCode.NotFound, RequestOutcome.Unknown);
        return await table.FindAsync(machine, cancellationToken).ConfigureAwait(false)
            ?? throw new HypervisorException($"The operation '{token}' has succeeded; the instance '{machine}' is no longer there.", ErrorCode.NotFound, RequestOutcome.Rejected);
    }

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => Task.FromResult(false);

    public override async IAsyncEnumerable<OperationProgress> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        OperationState? said = null;
        while (true)
        {
            var moment = await GetProgressAsync(cancellationToken).ConfigureAwait(false);
            if (moment.State != said)
                yield return moment;
            said = moment.State;
            if (said != OperationState.Running)
                yield break;
            await Task.Delay(s_pollInterval, services.Time, cancellationToken).ConfigureAwait(false);
        }
    }
}
