using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>A request that is written down and under way, with the files that it prepares.</summary>
[SupportedOSPlatform("linux")]
internal sealed class VolumeWork(DirectoryPool pool, RunningRequest request) : IDisposable
{
    public DirectoryPool Pool { get; } = pool;

    public RunningRequest Request { get; } = request;

    public RequestId RequestId => Sdk.RequestId.FromGuid(Request.Record.Id);

    /// <summary>The file of the volume.</summary>
    public string Target => Request.Record.Target;

    /// <summary>The file that will become the volume's; null when the volume's own is worked on.</summary>
    public SafeFileHandle? File { get; init; }

    /// <summary>The file of which that one is made; null when it is made otherwise.</summary>
    public SafeFileHandle? Source { get; init; }

    /// <summary>The lock on the volume that is worked on or copied; null when nobody else can know of it yet.</summary>
    public FileLock? Lock { get; init; }

    /// <summary>How <see cref="File"/> is called in messages.</summary>
    public string FileName => DirectoryPool.WorkPath(Request.Record.Id);

    /// <summary>Whether it has happened: then it is not undone any more.</summary>
    public bool IsDone { get; set; }

    public void Dispose()
    {
        File?.Dispose();
        Source?.Dispose();
        Lock?.Dispose();
        Request.Dispose();
    }
}
