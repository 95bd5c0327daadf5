namespace Hypervisor.Sdk;

/// <summary>Work that a backend has begun and that ends with a result.</summary>
/// <typeparam name="T">What it makes or changes.</typeparam>
public abstract class Operation<T> : Operation
{
    /// <summary>Waits until it has finished and returns the result.</summary>
    /// <inheritdoc/>
    public abstract override Task<T> WaitAsync(CancellationToken cancellationToken = default);
}
