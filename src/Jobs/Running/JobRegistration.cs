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
    public abstract Task<string> RunAsync(JobContext job, string args, int maxPayloadBytes, CancellationToken cancellationToken);
}

/// <summary>A type of job, with the arguments that it takes.</summary>
internal abstract class JobRegistration<TArgs>(string type, JsonTypeInfo<TArgs> args, JobTypeOptions options) : JobRegistration(type, typeof(TArgs), options)
{
    protected JsonTypeInfo<TArgs> ArgsJson { get; } = args;

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

    public override async Task<string> RunAsync(JobContext job, string args, int maxPayloadBytes, CancellationToken cancellationToken)
    {
        TArgs read;
        try
        {
            read = JsonSerializer.Deserialize(args, ArgsJson) ?? throw new JsonException("They are null.");
        }
        catch (JsonException exception)
        {
            throw new JobArgumentsException($"The stored arguments of a '{Type}' job cannot be read as {typeof(TArgs).Name}: {exception.Message}", exception);
        }

        return Payload.Write(await handler().RunAsync(job, read, cancellationToken).ConfigureAwait(false), result, maxPayloadBytes);
    }
}

/// <summary>Arguments that nobody here can read: trying again is of no use.</summary>
internal sealed class JobArgumentsException(string message, Exception inner) : Exception(message, inner);
