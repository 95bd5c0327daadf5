namespace Hypervisor.Sdk;

/// <summary>Finds operations again by their tokens.</summary>
public interface IOperations
{
    /// <summary>The operation of a token; null when the backend no longer keeps it: look the request up instead.</summary>
    /// <exception cref="ArgumentException">The token is of another backend, or of a version that this driver does not know.</exception>
    Task<Operation?> ResumeAsync(OperationToken token, CancellationToken cancellationToken = default);
}
