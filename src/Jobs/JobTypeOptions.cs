using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.Jobs;

/// <summary>How jobs of one type are tried again.</summary>
public sealed class JobTypeOptions
{
    private readonly Dictionary<int, Func<string, string>> _upcasts = [];

    /// <summary>
    /// The version of the arguments that this program writes; raised by one whenever their JSON changes so that older ones cannot be read any longer. Jobs of an older version are brought to this one by
    /// <see cref="Upcast{TFrom, TTo}"/>, those of a newer one are left to a worker that knows it. 1 to 10,000; default 1.
    /// </summary>
    public int ArgsVersion { get; set; } = 1;

    /// <summary>How often a job is tried at most, attempts lost with their worker included. 1 to 1,000; default 5.</summary>
    public int MaxAttempts { get; set; } = 5;

    /// <summary>The bound of the first wait; it doubles with each attempt, and the wait is a random part of it. Default 1 s.</summary>
    public TimeSpan RetryBase { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>What the bound does not grow beyond. Default 5 min.</summary>
    public TimeSpan RetryLimit { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a job that is COMPLETED or CANCELLED can be looked at; then it is removed. FAILED ones stay until they are run again or discarded. Zero to ten years; default 7 days.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How long an attempt may take; then it is asked to stop and counts as failed. Above zero, at most ten years. Default: no limit.</summary>
    public TimeSpan? TimeLimit { get; set; }

    /// <summary>How often in a row a job may lose its worker before it is taken for what brings workers down, and is FAILED. 1 to 1,000; default 3.</summary>
    public int MaxLostWorkers { get; set; } = 3;

    /// <summary>Says how arguments of an older version become those of the next one. There is one for each version from the oldest that may still be stored on; jobs of an older one are FAILED.</summary>
    /// <typeparam name="TFrom">What the arguments were.</typeparam>
    /// <typeparam name="TTo">What they are in the next version.</typeparam>
    /// <param name="fromVersion">The older version, from 1.</param>
    /// <param name="from">How it is read.</param>
    /// <param name="to">How the next one is written.</param>
    /// <param name="upcast">Makes the one of the other: from its argument alone, and always the same.</param>
    /// <returns>These options.</returns>
    /// <exception cref="ArgumentException">The version has one already.</exception>
    public JobTypeOptions Upcast<TFrom, TTo>(int fromVersion, JsonTypeInfo<TFrom> from, JsonTypeInfo<TTo> to, Func<TFrom, TTo> upcast)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fromVersion, 1);
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(upcast);
        if (!_upcasts.TryAdd(fromVersion, json => JsonSerializer.Serialize(upcast(JsonSerializer.Deserialize(json, from) ?? throw new JsonException("They are null.")), to)))
            throw new ArgumentException($"The version {fromVersion} has an upcaster already.", nameof(fromVersion));
        return this;
    }

    /// <summary>Arguments of an older version as those of this one.</summary>
    internal string Upcast(string json, int version)
    {
        for (; version < ArgsVersion; version++)
            json = _upcasts.TryGetValue(version, out var upcast) ? upcast(json) : throw new JsonException($"They are of version {version}, and there is no upcaster from it.");
        return json;
    }

    internal void Validate(string type)
    {
        if (ArgsVersion is < 1 or > 10_000)
            throw new ArgumentException($"{nameof(ArgsVersion)} of the job type '{type}' is {ArgsVersion}; it is 1 to 10,000.");
        if (_upcasts.Count > 0 && (_upcasts.Keys.Max() != ArgsVersion - 1 || _upcasts.Keys.Min() != ArgsVersion - _upcasts.Count))
            throw new ArgumentException($"The job type '{type}' has upcasters from the versions {string.Join(", ", _upcasts.Keys.Order())}; they lead to {ArgsVersion} without a gap.");
        if (MaxAttempts is < 1 or > 1000)
            throw new ArgumentException($"{nameof(MaxAttempts)} of the job type '{type}' is {MaxAttempts}; it is 1 to 1,000.");
        if (RetryBase <= TimeSpan.Zero || RetryLimit < RetryBase || RetryLimit > TimeSpan.FromDays(30))
            throw new ArgumentException($"{nameof(RetryBase)} and {nameof(RetryLimit)} of the job type '{type}' are {RetryBase} and {RetryLimit}; they are above zero, in this order, and at most 30 days.");
        if (TimeLimit is { } limit && (limit <= TimeSpan.Zero || limit > TimeSpan.FromDays(3650)))
            throw new ArgumentException($"{nameof(TimeLimit)} of the job type '{type}' is {limit}; it is above zero and at most ten years.");
        if (MaxLostWorkers is < 1 or > 1000)
            throw new ArgumentException($"{nameof(MaxLostWorkers)} of the job type '{type}' is {MaxLostWorkers}; it is 1 to 1,000.");
        if (Retention < TimeSpan.Zero || Retention > TimeSpan.FromDays(3650))
            throw new ArgumentException($"{nameof(Retention)} of the job type '{type}' is {Retention}; it is zero to ten years.");
    }
}
