namespace Hypervisor.Sdk;

/// <summary>What the backend itself has written down about an instance, verbatim: domain XML, LXD JSON, a command line. For people and for tools that know that form.</summary>
public interface INativeDocuments
{
    /// <summary>Gets it. Secrets in it are left out.</summary>
    Task<NativeDocument> GetAsync(InstanceId id, CancellationToken cancellationToken = default);
}
