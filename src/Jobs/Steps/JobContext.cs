using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hypervisor.Sdk.Jobs.Running;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs;

/// <summary>An attempt at a job, as its handler sees it. Steps are taken one after the other.</summary>
public sealed class JobContext
{
    private const int MaxProgressChars = 1024;
    private const int MaxLineChars = 4096;
    private const int MaxLogLines = 10_000;

    private readonly IJobStore _store;
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
    }

    /// <summary>Which job.</summary>
    public JobId Id { get; }

    /// <summary>The number of the attempt, from 1.</summary>
    public int Attempt { get; }

    /// <summary>Grows with every attempt at any job of the store: what a lane's holder hands to the backend, so that an earlier one is refused.</summary>
    public long FencingToken { get; }

    /// <summary>
    /// Does something to the outside, once as far as anybody can know. The intent with its request id is durable before <paramref name="effect"/> is called and the result
    /// after. Where an earlier attempt left a result, that is returned; where it left an intent only, <paramref name="resolve"/> is asked first.
    /// </summary>
    /// <param name="name">Names the step within the job; 1 to 128 characters.</param>
    /// <param name="result">How the result is written.</param>
    /// <param name="effect">Sends it, with the request id and the fencing token given.</param>
    /// <param name="resolve">Says what became of the request.</param>
    /// <exception cref="JobLeaseLostException">The attempt counts no longer.</exception>
    /// <exception cref="HypervisorException"><see cref="RequestOutcome.Unknown"/>: nobody can tell whether it happened; it was not repeated.</exception>
    public async Task<T> StepAsync<T>(string name, JsonTypeInfo<T> result, Func<RequestOptions, Task<T>> effect, Func<RequestId, Task<StepLookup<T>>> resolve)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(effect);
        ArgumentNullException.ThrowIfNull(resolve);
        if (name.Length > 128)
            throw new ArgumentException($"The name of a step has at most 128 characters; this one has {name.Length}.", nameof(name));

        var request = RequestId.New(_timeProvider);
        if (_steps.TryGetValue(name, out var known))
        {
            if (known.Result is { } stored)
                return JsonSerializer.Deserialize(stored, result)!;

            var lookup = await resolve(known.Request).ConfigureAwait(false);
            if (lookup.Happened is null)
            {
                throw new HypervisorException($"Whether step '{name}' of job {Id} happened cannot be told: request {known.Request} has no known outcome. It was not repeated.",
                    ErrorCode.Unavailable, RequestOutcome.Unknown);
            }

            if (lookup.Happened == true)
                return await EndAsync(name, known.Request, lookup.Result!, result).ConfigureAwait(false);
            if (!lookup.IsNewRequest)
                request = known.Request;
        }

        if (known is null || known.Request != request)
            await IntendAsync(name, request).ConfigureAwait(false);
        var value = await effect(new RequestOptions { RequestId = request, FencingToken = FencingToken }).ConfigureAwait(false);
        return await EndAsync(name, request, value, result).ConfigureAwait(false);
    }

    /// <summary>A step whose request <paramref name="log"/> remembers: what became of it is looked up there.</summary>
    /// <param name="name">Names the step within the job; 1 to 128 characters.</param>
    /// <param name="result">How the result is written.</param>
    /// <param name="effect">Sends it, with the request id and the fencing token given.</param>
    /// <param name="log">The backend's memory of requests.</param>
    /// <param name="found">The result, from what the backend remembers of a request that succeeded.</param>
    public Task<T> StepAsync<T>(string name, JsonTypeInfo<T> result, Func<RequestOptions, Task<T>> effect, IRequestLog log, Func<RequestLookup, T> found)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(found);
        return StepAsync(name, result, effect, async request =>
        {
            var lookup = await log.LookUpAsync(request).ConfigureAwait(false);
            return lookup.State switch
            {
                RequestState.NeverSeen => StepLookup<T>.NotHappened,
                RequestState.Succeeded => StepLookup<T>.Done(found(lookup)),
                RequestState.Failed when lookup.Error?.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected => StepLookup<T>.Refused,
                _ => StepLookup<T>.Unknown,
            };
        });
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
        if (!await _store.ReportAsync(Id, FencingToken, Bounded(progress, MaxProgressChars), fraction).ConfigureAwait(false))
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

    private static string Bounded(string text, int maxChars) => text.Length > maxChars ? text[..maxChars] : text;

    private async Task IntendAsync(string name, RequestId request)
    {
        if (!await _store.BeginStepAsync(Id, FencingToken, name, request, Now).ConfigureAwait(false))
            throw new JobLeaseLostException(Id, FencingToken);
        _steps[name] = new StoredStep { Name = name, Request = request };
    }

    private async Task<T> EndAsync<T>(string name, RequestId request, T value, JsonTypeInfo<T> type)
    {
        string json = Payload.Write(value, type, _maxPayloadBytes);
        if (!await _store.EndStepAsync(Id, FencingToken, name, json, Now).ConfigureAwait(false))
            throw new JobLeaseLostException(Id, FencingToken);
        _steps[name] = new StoredStep { Name = name, Request = request, Result = json };
        return value;
    }

    private DateTimeOffset Now => _timeProvider.GetUtcNow();
}
