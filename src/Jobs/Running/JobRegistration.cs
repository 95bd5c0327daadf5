using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>A type of job that this process knows.</summary>
internal abstract class JobRegistration(string type, Type argsType, JobTypeOptions options)
{
    public string Type { get; } = type;

    public Type ArgsType { get; } = argsType;

    public JobTypeOptions Options { get; } = options;

    /// <summary>Runs the handler; the result as JSON.</summary>
    public abstract Task<string> RunAsync(JobContext job, string args, int argsVersion, int maxPayloadBytes, CancellationToken cancellationToken);

    /// <summary>What a job with stored arguments does to which backend.</summary>
    public abstract IEnumerable<BackendWork> GetWork(string args, int argsVersion);
}

/// <summary>A type of job, with the arguments that it takes.</summary>
internal abstract class JobRegistration<TArgs>(string type, JsonTypeInfo<TArgs> args, JobTypeOptions options) : JobRegistration(type, typeof(TArgs), options)
{
    protected JsonTypeInfo<TArgs> ArgsJson { get; } = args;

    /// <summary>What a job does to which backend.</summary>
    public abstract IEnumerable<BackendWork> GetWork(TArgs value);

    public string Write(TArgs value, int maxBytes) => Payload.Write(value, ArgsJson, maxBytes);
}

/// <summary>Reads what jobs of a type returned.</summary>
internal interface IReadsResult<TResult>
{
    TResult ReadResult(string json);
}

/// <summary>A type of job, with its handler.</summary>
internal sealed class JobRegistration<TArgs, TResult>(string type, JsonTypeInfo<TArgs> args, JsonTypeInfo<TResult> result, JobTypeOptions options, Func<IJobHandler<TArgs, TResult>> handler)
    : JobRegistration<TArgs>(type, args, options), IReadsResult<TResult>
{
    public TResult ReadResult(string json) => JsonSerializer.Deserialize(json, result)!;

    public override async Task<string> RunAsync(JobContext job, string args, int argsVersion, int maxPayloadBytes, CancellationToken cancellationToken) =>
        Payload.Write(await handler().RunAsync(job, Read(args, argsVersion), cancellationToken).ConfigureAwait(false), result, maxPayloadBytes);

    public override IEnumerable<BackendWork> GetWork(string args, int argsVersion) => handler() is IJobWork<TArgs> work ? work.GetWork(Read(args, argsVersion)) : [];

    public override IEnumerable<BackendWork> GetWork(TArgs value) => handler() is IJobWork<TArgs> work ? work.GetWork(value) : [];

    private TArgs Read(string args, int argsVersion)
    {
        try
        {
            return JsonSerializer.Deserialize(Options.Upcast(args, argsVersion), ArgsJson) ?? throw new JsonException("They are null.");
        }
#pragma warning disable CA1031 // Whatever an upcaster throws, it throws each time.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            throw new JobArgumentsException($"The stored arguments of a '{Type}' job cannot be read as {typeof(TArgs).Name}: {exception.Message}", exception);
        }
    }
}

/// <summary>Arguments that nobody here can read: trying again is of no use.</summary>
internal sealed class JobArgumentsException(string message, Exception inner) : Exception(message, inner);
