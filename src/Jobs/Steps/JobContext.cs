using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hypervisor.Sdk.Jobs.Running;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs;

/// <summary>An attempt at a job, as its handler sees it. Steps are taken one after the other.</summary>
public sealed class JobContext
{
    private const string UndoPrefix = "undo:";
    private const int MaxProgressChars = 1024;
    private const int MaxLineChars = 4096;
    private const int MaxLogLines = 10_000;

    private readonly IJobStore _store;
    private readonly HashSet<string> _passed = new(StringComparer.Ordinal);
    private readonly Stack<(string Name, Func<RequestOptions, Task> Compensate)> _undo = new();
    private readonly JobSignals _signals;
    private readonly JobClient _client;
    private readonly TimeProvider _timeProvider;
    private readonly int _maxPayloadBytes;
    private readonly Dictionary<string, StoredStep> _steps;

    internal JobContext(IJobStore store, ClaimedJob claim, TimeProvider timeProvider, int maxPayloadBytes, JobSignals signals, JobClient client)
    {
        _signals = signals;
        _client = client;
        _store = store;
        _timeProvider = timeProvider;
        _maxPayloadBytes = maxPayloadBytes;
        _steps = claim.Steps.ToDictionary(step => step.Name, StringComparer.Ordinal);
        Id = claim.Id;
        Attempt = claim.Attempt;
        FencingToken = claim.FencingToken;
        IsCompensating = claim.CompensatesTo is not null;
    }

    /// <summary>Which job.</summary>
    public JobId Id { get; }

    /// <summary>The number of the attempt, from 1.</summary>
    public int Attempt { get; }

    /// <summary>True when the handler runs again over the results of its steps so that they can be undone: nothing new is done.</summary>
    public bool IsCompensating { get; }

    /// <summary>Grows with every attempt at any job of the store: what a lane's holder hands to the backend, so that an earlier one is refused.</summary>
    public long FencingToken { get; }

    /// <summary>
    /// Does something to the outside, once as far as anybody can know. The intent with its request id is durable before <paramref name="effect"/> is called and the result
    /// after. Where an earlier attempt left a result, that is returned; where it left an intent only, <paramref name="resolve"/> is asked first.
    /// </summary>
    /// <param name="name">Names the step within the job; 1 to 121 characters, and each step once in an attempt.</param>
    /// <param name="result">How the result is written.</param>
    /// <param name="effect">Sends it, with the request id and the fencing token given.</param>
    /// <param name="resolve">Says what became of the request.</param>
    /// <param name="compensate">
    /// Undoes it, given its result, where the job ends FAILED or CANCELLED: the compensations of all steps that happened run in reverse. The handler is run again for that, over the stored results, up to
    /// where it would do something new. May be called again after a crash, with the same request id, and then finds that it was done. Default: nothing is undone.
    /// </param>
    /// <exception cref="ArgumentException">The name is none, or that of a step that this attempt has taken already.</exception>
    /// <exception cref="JobLeaseLostException">The attempt counts no longer.</exception>
    /// <exception cref="HypervisorException"><see cref="RequestOutcome.Unknown"/>: nobody can tell whether it happened; it was not repeated.</exception>
    public async Task<T> StepAsync<T>(string name, JsonTypeInfo<T> result, Func<RequestOptions, Task<T>> effect, Func<RequestId, Task<StepLookup<T>>> resolve,
        Func<T, RequestOptions, Task>? compensate = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(effect);
        ArgumentNullException.ThrowIfNull(resolve);
        if (name.Length > 121 || name.StartsWith(UndoPrefix, StringComparison.Ordinal))
            throw new ArgumentException($"The name of a step has at most 121 characters and does not begin with '{UndoPrefix}'; this one is '{name}'.", nameof(name));
        // A step that failed may be taken again; the result of another one is nobody's.
        if (_passed.Contains(name))
            throw new ArgumentException($"The step '{name}' of job {Id} was taken already in this attempt: two steps have two names.", nameof(name));

        var request = RequestId.New(_timeProvider);
        if (_steps.TryGetValue(name, out var known))
        {
            if (known.Result is { } stored)
                return Happened(name, JsonSerializer.Deserialize(stored, result)!, compensate);

            var lookup = await resolve(known.Request).ConfigureAwait(false);
            if (lookup.Happened is null)
            {
                throw new HypervisorException($"Whether step '{name}' of job {Id} happened cannot be told: request {known.Request} has no known outcome. It was not repeated.",
                    ErrorCode.Unavailable, RequestOutcome.Unknown);
            }

            if (lookup.Happened == true)
                return Happened(name, await EndAsync(known, lookup.Result!, result).ConfigureAwait(false), compensate);
            if (!lookup.IsNewRequest)
                request = known.Request;
        }

        // What runs still has to end before it can be undone.
        if (IsCompensating && !(known is not null && request == known.Request && await IsRunningAsync(resolve, request).ConfigureAwait(false)))
        {
            _passed.Add(name);
            throw new CompensateException(Id);
        }

        if (known is null || known.Request != request)
            known = await IntendAsync(name, request, compensate is not null).ConfigureAwait(false);
        var value = await effect(new RequestOptions { RequestId = request, FencingToken = FencingToken }).ConfigureAwait(false);
        return Happened(name, await EndAsync(known, value, result).ConfigureAwait(false), compensate);
    }

    private static async Task<bool> IsRunningAsync<T>(Func<RequestId, Task<StepLookup<T>>> resolve, RequestId request) =>
        ReferenceEquals(await resolve(request).ConfigureAwait(false), StepLookup<T>.Running);

    private T Happened<T>(string name, T value, Func<T, RequestOptions, Task>? compensate)
    {
        _passed.Add(name);
        if (compensate is not null)
            _undo.Push((name, options => compensate(value, options)));
        return value;
    }

    /// <summary>Undoes what happened, the last first. The handler has come as far as it came.</summary>
    internal async Task CompensateAsync()
    {
        string[] missed = [.. _steps.Values.Where(step => step.HasCompensation && !_passed.Contains(step.Name)).Select(step => $"'{step.Name}'")];
        if (missed.Length > 0)
            throw new InvalidOperationException($"The handler did not come past its step {string.Join(", ", missed)} again: what that did cannot be undone. A handler takes the same steps for the same results.");
        while (_undo.TryPeek(out var undo))
        {
            string name = UndoPrefix + undo.Name;
            if (!_steps.TryGetValue(name, out var step) || step.Result is null)
            {
                step ??= await IntendAsync(name, RequestId.New(_timeProvider), false).ConfigureAwait(false);
                await undo.Compensate(new RequestOptions { RequestId = step.Request, FencingToken = FencingToken }).ConfigureAwait(false);
                await WriteEndAsync(step, "true").ConfigureAwait(false);
            }

            _undo.Pop();
        }
    }

    /// <summary>A step whose request <paramref name="log"/> remembers: what became of it is looked up there.</summary>
    /// <param name="name">Names the step within the job; 1 to 121 characters, and each step once in an attempt.</param>
    /// <param name="result">How the result is written.</param>
    /// <param name="effect">Sends it, with the request id and the fencing token given.</param>
    /// <param name="log">The backend's memory of requests.</param>
    /// <param name="found">The result, from what the backend remembers of a request that succeeded.</param>
    /// <param name="compensate">Undoes it; see the other form.</param>
    public Task<T> StepAsync<T>(string name, JsonTypeInfo<T> result, Func<RequestOptions, Task<T>> effect, IRequestLog log, Func<RequestLookup, T> found,
        Func<T, RequestOptions, Task>? compensate = null)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(found);
        return StepAsync(name, result, effect, async request =>
        {
            var lookup = await log.LookUpAsync(request).ConfigureAwait(false);
            return lookup.State switch
            {
                RequestState.NeverSeen => StepLookup<T>.NotHappened,
                RequestState.Running => StepLookup<T>.Running,
                RequestState.Succeeded => StepLookup<T>.Done(found(lookup)),
                RequestState.Failed when lookup.Error?.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected => StepLookup<T>.Refused,
                _ => StepLookup<T>.Unknown,
            };
        }, compensate);
    }

    /// <summary>Makes a child of this job: once, however often the job runs. Whoever cancels this job cancels its children. To wait for children, make another child that runs after them.</summary>
    /// <param name="name">Names the child within the job; 1 to 128 characters. Of two with one name the first counts.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="options">What it wants beyond them.</param>
    public Task<JobHandle> EnqueueChildAsync<TArgs>(string name, TArgs args, JobOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > 128)
            throw new ArgumentException($"The name of a child has at most 128 characters; this one has {name.Length}.", nameof(name));
        if (IsCompensating)
            throw new CompensateException(Id);
        return _client.EnqueueChildAsync(Id, name, args, options, CancellationToken.None);
    }

    /// <summary>Says how far the job is, for those who look at it or watch; at most 1,024 characters are kept. Durable when this returns: not for every byte.</summary>
    /// <param name="progress">In words.</param>
    /// <param name="fraction">How far, 0 to 1. Default: not said.</param>
    /// <exception cref="JobLeaseLostException">The attempt counts no longer.</exception>
    public async Task ReportAsync(string progress, double? fraction = null)
    {
        ArgumentNullException.ThrowIfNull(progress);
        if (fraction is { } part && !(part >= 0 && part <= 1))
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "How far a job is, is said by 0 to 1.");
        if (!await _store.ReportAsync(Id, FencingToken, Said(progress), fraction).ConfigureAwait(false))
            throw new JobLeaseLostException(Id, FencingToken);
        _signals.PulseJob(Id);
    }

    /// <summary>Adds a line to the log of the job; at most 4,096 characters of it are kept, and the newest 10,000 lines. Durable when this returns. Never a secret: everybody who sees the job sees it.</summary>
    /// <exception cref="JobLeaseLostException">The attempt counts no longer.</exception>
    public async Task LogAsync(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!await _store.LogAsync(Id, FencingToken, Now, Bounded(text, MaxLineChars), MaxLogLines).ConfigureAwait(false))
            throw new JobLeaseLostException(Id, FencingToken);
        _signals.PulseJob(Id);
    }

    /// <summary>What is kept of what is said about how far a job is.</summary>
    internal static string Said(string progress) => Bounded(progress, MaxProgressChars);

    private static string Bounded(string text, int maxChars) => text.Length > maxChars ? text[..maxChars] : text;

    private async Task<StoredStep> IntendAsync(string name, RequestId request, bool hasCompensation)
    {
        var step = new StoredStep { Name = name, Request = request, HasCompensation = hasCompensation };
        if (!await _store.BeginStepAsync(Id, FencingToken, step, Now).ConfigureAwait(false))
            throw new JobLeaseLostException(Id, FencingToken);
        return _steps[name] = step;
    }

    private async Task<T> EndAsync<T>(StoredStep step, T value, JsonTypeInfo<T> type)
    {
        await WriteEndAsync(step, Payload.Write(value, type, _maxPayloadBytes)).ConfigureAwait(false);
        return value;
    }

    private async Task WriteEndAsync(StoredStep step, string json)
    {
        if (!await _store.EndStepAsync(Id, FencingToken, step.Name, json, Now).ConfigureAwait(false))
            throw new JobLeaseLostException(Id, FencingToken);
        _steps[step.Name] = new StoredStep { Name = step.Name, Request = step.Request, HasCompensation = step.HasCompensation, Result = json };
    }

    private DateTimeOffset Now => _timeProvider.GetUtcNow();
}
