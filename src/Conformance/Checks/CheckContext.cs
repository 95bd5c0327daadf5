using System.Collections.Concurrent;
using System.Globalization;

namespace Hypervisor.Sdk.Conformance;

/// <summary>
/// What the body of a check has to work with: a client, names of its own, the target's specs, ways to say what must hold. What it makes under its names is removed after it, whatever its end.
/// </summary>
public sealed partial class CheckContext
{
    private static readonly BackendName s_elsewhere = BackendName.Parse("elsewhere");

    private readonly List<IBackend> _clients = [];
    private readonly ConcurrentStack<Func<CancellationToken, Task>> _undo = [];
    private readonly ConcurrentQueue<string> _problems = [];
    private readonly string _namePrefix;
    private int _names;

    internal CheckContext(ConformanceTarget target, IBackend backend, string checkId, ConformanceOptions options, CancellationToken cancellationToken)
    {
        Target = target;
        Backend = backend;
        Options = options;
        Token = cancellationToken;
        _namePrefix = $"{target.Prefix}{checkId.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant()}-";
    }

    /// <summary>What is checked.</summary>
    public ConformanceTarget Target { get; }

    /// <summary>The client; other checks use it too.</summary>
    public IBackend Backend { get; }

    /// <summary>Ends with the deadline of the check.</summary>
    public CancellationToken Token { get; }

    /// <summary>What the names begin with that the check makes.</summary>
    public string NamePrefix => _namePrefix;

    internal ConformanceOptions Options { get; }

    internal bool HasStorage => Target.Pool is not null && Backend.TryGet<IStorageBackend>(out _);

    internal string? WhyNot(ConformanceAbility ability)
    {
        bool can = ability switch
        {
            ConformanceAbility.LoseReplies => Target.Connection is not null,
            ConformanceAbility.CrashGuests => Target.Guests is not null,
            ConformanceAbility.FreezeGuests => Target.Guests?.FreezeAsync is not null,
            ConformanceAbility.CutNodes => Target.Nodes is not null,
            ConformanceAbility.BootGuests => Target.NewGuest(InstanceName.Parse(_namePrefix + "probe")) is not null,
            ConformanceAbility.DeafGuests => Target.NewDeafGuest(InstanceName.Parse(_namePrefix + "probe")) is not null,
            ConformanceAbility.AttachDisks => CanAttach,
            _ => false,
        };
        return can ? null : Target.WhyNot(ability) ?? throw new CheckFailedException($"The target cannot do {ability} and writes no reason: override {nameof(ConformanceTarget.WhyNot)}.");
    }

    internal bool CanAttach { get; set; }

    /// <summary>A name that nothing else has.</summary>
    public InstanceName NewName() => InstanceName.Parse(NewText());

    /// <summary>A text that nothing else is called, for volumes, snapshots and labels.</summary>
    public string NewText() => _namePrefix + (++_names).ToString(CultureInfo.InvariantCulture);

    /// <summary>Connects another client of the same backend; it is disposed after the check.</summary>
    public async Task<IBackend> ConnectAsync()
    {
        var client = await Target.ConnectAsync(Backend.Name, Token).ConfigureAwait(false);
        _clients.Add(client);
        return client;
    }

    /// <summary>Connects a client whose connection can be disturbed; it is disposed after the check.</summary>
    public async Task<IBackend> ConnectDisturbedAsync()
    {
        var client = await Target.Connection!.ConnectAsync(Backend.Name, Token).ConfigureAwait(false);
        _clients.Add(client);
        return client;
    }

    /// <summary>Connects the backend that instances can be moved to; what the check moves there is removed after it, and the backend disposed. Null where the target has none.</summary>
    public async Task<IBackend?> ConnectElsewhereAsync()
    {
        if (await Target.ConnectElsewhereAsync(s_elsewhere, Token).ConfigureAwait(false) is not { } backend)
            return null;
        _clients.Add(backend);
        Afterwards(token => Leftovers.RemoveAsync(backend, Target, _namePrefix, token));
        return backend;
    }

    /// <summary>Has something undone after the check, before what it made is removed.</summary>
    public void Afterwards(Func<CancellationToken, Task> undo) => _undo.Push(undo);

    /// <summary>Undoes what the check has said that it is to be undone, in the opposite order; each once.</summary>
    internal async Task UndoAsync(CancellationToken cancellationToken)
    {
        while (_undo.TryPop(out var undo))
            await AttemptAsync(() => undo(cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Undoes what the check has done, in the opposite order.</summary>
    /// <param name="client">Removes what was made: another client than the check's, when that hangs.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What could not be undone.</returns>
    internal async Task<IReadOnlyList<string>> CleanUpAsync(IBackend client, CancellationToken cancellationToken)
    {
        await UndoAsync(cancellationToken).ConfigureAwait(false);
        foreach (var other in _clients)
            await AttemptAsync(() => other.DisposeAsync().AsTask()).ConfigureAwait(false);
        await AttemptAsync(() => Leftovers.RemoveAsync(client, Target, _namePrefix, cancellationToken)).ConfigureAwait(false);
        return [.. _problems];
    }

    // A driver may throw anything: what it throws here is part of the report, and the other steps are still done.
    private async Task AttemptAsync(Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
#pragma warning disable CA1031
        catch (Exception error)
#pragma warning restore CA1031
        {
            _problems.Enqueue(CheckRunner.Describe(error));
        }
    }
}
