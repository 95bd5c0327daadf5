namespace Hypervisor.Sdk;

/// <summary>Answers "did it happen?" after a reply was lost: by what the driver left on the object, or by its own journal.</summary>
public interface IRequestLog
{
    /// <summary>Looks a request up.</summary>
    /// <param name="id">The id that the request carried in <see cref="RequestOptions.RequestId"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HypervisorException">The backend could not be asked.</exception>
    Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default);
}
