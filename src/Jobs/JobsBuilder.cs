using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;
using Hypervisor.Sdk.Jobs.Running;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Adds a store and handlers to the jobs of a service collection.</summary>
public sealed class JobsBuilder
{
    private readonly HashSet<string> _types = new(StringComparer.Ordinal);
    private readonly HashSet<Type> _args = [];

    internal JobsBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a type of job. Its name is stored with every job: it does not change. Arguments of one .NET type belong to one type of job.</summary>
    /// <param name="type">The name, 1 to 128 characters.</param>
    /// <param name="args">How the arguments are written, from a source-generated context.</param>
    /// <param name="result">How the result is written.</param>
    /// <param name="configure">How it is tried again.</param>
    /// <exception cref="ArgumentException">The name or the arguments are taken, or an option is out of its range.</exception>
    public JobsBuilder AddHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler, TArgs, TResult>(
        string type, JsonTypeInfo<TArgs> args, JsonTypeInfo<TResult> result, Action<JobTypeOptions>? configure = null)
        where THandler : class, IJobHandler<TArgs, TResult>
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(result);
        if (type.Length > 128)
            throw new ArgumentException($"The name of a type of job has at most 128 characters; this one has {type.Length}.", nameof(type));
        var options = new JobTypeOptions();
        configure?.Invoke(options);
        options.Validate(type);
        if (!_types.Add(type))
            throw new ArgumentException($"The job type '{type}' has a handler already.", nameof(type));
        if (!_args.Add(typeof(TArgs)))
            throw new ArgumentException($"{typeof(TArgs).Name} are the arguments of another job type already.", nameof(type));

        Services.TryAddSingleton<THandler>();
        // Made when it is first needed: a handler may want IJobs itself.
        Services.AddSingleton<JobRegistration>(provider => new JobRegistration<TArgs, TResult>(type, args, result, options, provider.GetRequiredService<THandler>));
        return this;
    }

    /// <summary>Keeps jobs in the memory of this process: for tests, and for programs whose jobs may be forgotten. It looks at every job for each that it takes: for thousands, not more.</summary>
    public JobsBuilder UseInMemory() => 
        UseStore(provider => new InMemoryJobStore(FencingTokens.First(provider.GetRequiredService<JobsOptions>().TimeProvider.GetUtcNow())));

    /// <summary>Sets where jobs are durable. The packages of the stores have the methods that one calls.</summary>
    public JobsBuilder UseStore(Func<IServiceProvider, IJobStore> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        Services.Replace(ServiceDescriptor.Singleton(provider => provider.GetService<IJobKeys>() is { } keys ? new EncryptedJobStore(open(provider), new PayloadCipher(keys)) : open(provider)));
        return this;
    }

    /// <summary>
    /// Encrypts arguments, results and the results of steps before they are stored, by AES-256-GCM with keys of the caller's, whatever the store. What was stored before is read as it is. Not encrypted is what the engine
    /// itself goes by: types, lanes, unique keys, names, times; and what a handler tells everybody: progress, log lines, the messages of its exceptions.
    /// </summary>
    /// <param name="keys">Where the keys come from.</param>
    public JobsBuilder EncryptPayloads(IJobKeys keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        Services.Replace(ServiceDescriptor.Singleton(keys));
        return this;
    }
}
