namespace Hypervisor.Sdk;

/// <summary>Waits until an instance is ready to be used.</summary>
public static class ReadinessExtensions
{
    /// <summary>Waits until every condition is met, looking again and again.</summary>
    /// <returns>The instance as it was when it was ready.</returns>
    /// <exception cref="HypervisorException">
    /// It was not ready in time (<see cref="ErrorCode.Timeout"/>; the message says what was missing and what was seen last), there is no such instance (<see cref="ErrorCode.NotFound"/>), or the backend cannot
    /// tell (<see cref="ErrorCode.Unsupported"/>). A backend that does not answer for a while is waited for.
    /// </exception>
    public static async Task<Instance> WaitUntilReadyAsync(this IBackend backend, InstanceId id, ReadinessOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backend);
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        options ??= new();
        options.Validate();
        var wait = new ReadinessWait(backend, id, options);
        using var deadline = new CancellationTokenSource(options.Deadline, options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            while (true)
            {
                if (await wait.LookAsync(linked.Token).ConfigureAwait(false) is { } ready)
                    return ready;
                await Task.Delay(options.PollInterval, options.TimeProvider, linked.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw wait.TimedOut();
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
    }

    /// <inheritdoc cref="WaitUntilReadyAsync(IBackend, InstanceId, ReadinessOptions?, CancellationToken)"/>
    public static async Task<Instance> WaitUntilReadyAsync(this IBackendRegistry registry, InstanceRef reference, ReadinessOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(registry);
        var backend = await registry.GetAsync(reference.Backend, cancellationToken).ConfigureAwait(false);
        return await backend.WaitUntilReadyAsync(reference.Id, options, cancellationToken).ConfigureAwait(false);
    }
}
