using System.Collections.Concurrent;
using System.Text.Json.Serialization;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>What the jobs of tests do, by name. One that nobody gave something to do is done at once.</summary>
internal sealed class LabWorks
{
    private readonly ConcurrentDictionary<string, Func<JobContext, CancellationToken, Task>> _works = new(StringComparer.Ordinal);

    public void Set(string name, Func<JobContext, CancellationToken, Task> work) => _works[name] = work;

    public Task DoAsync(string name, JobContext job, CancellationToken cancellationToken) => _works.TryGetValue(name, out var work) ? work(job, cancellationToken) : Task.CompletedTask;
}

internal sealed record LabWork(string Name);

internal sealed class LabHandler(LabWorks works) : IJobHandler<LabWork, string>
{
    public const string JobType = "lab";

    public async Task<string> RunAsync(JobContext job, LabWork args, CancellationToken cancellationToken)
    {
        await works.DoAsync(args.Name, job, cancellationToken);
        return "done";
    }
}

[JsonSerializable(typeof(LabWork))]
[JsonSerializable(typeof(string))]
internal sealed partial class LabJson : JsonSerializerContext;
