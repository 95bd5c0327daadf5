namespace Hypervisor.Sdk;

/// <summary>Waiting for work in the line that begins it.</summary>
public static class OperationExtensions
{
    /// <summary>Begins the work and waits for its result: <c>var vm = await hypervisor.CreateAsync(spec).WaitForCompletionAsync();</c></summary>
    /// <param name="started">The call that begins the work.</param>
    /// <param name="cancellationToken">Ends the wait, never the work.</param>
    /// <exception cref="HypervisorException">The call or the work failed.</exception>
    public static async Task<T> WaitForCompletionAsync<T>(this Task<Operation<T>> started, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(started);
        var operation = await started.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await operation.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Begins the work and waits until it has finished: <c>await hypervisor.DeleteAsync(id).WaitForCompletionAsync();</c></summary>
    /// <param name="started">The call that begins the work.</param>
    /// <param name="cancellationToken">Ends the wait, never the work.</param>
    /// <exception cref="HypervisorException">The call or the work failed.</exception>
    public static async Task WaitForCompletionAsync(this Task<Operation> started, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(started);
        var operation = await started.WaitAsync(cancellationToken).ConfigureAwait(false);
        await operation.WaitAsync(cancellationToken).ConfigureAwait(false);
    }
}
