using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>A disk that other programs can read, until this is disposed. What an application leaves behind that dies is removed when its backend is next connected.</summary>
[Experimental(ExperimentalIds.DiskStorage)]
public abstract class DiskExport : IAsyncDisposable
{
    /// <summary>Where it is read: <c>nbd+unix:///name?socket=path</c>, <c>nbd://host:port/name</c>, <c>nbds://host:port/name</c> (TLS).</summary>
    public abstract Uri Address { get; }

    /// <summary>Ends it: who still reads is cut off.</summary>
    public abstract ValueTask DisposeAsync();
}
