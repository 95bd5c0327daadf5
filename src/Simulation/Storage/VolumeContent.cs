using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Simulation.Storage;

/// <summary>The bytes of an upload, as they came: in a file that goes with the last volume that begins with them, so that a data centre in memory does not hold them there. Never written again.</summary>
internal sealed class VolumeContent : IDisposable
{
    private int _users = 1;

    public SafeFileHandle File { get; } = System.IO.File.OpenHandle(
        Path.Combine(Path.GetTempPath(), "hvsdk-" + Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose | FileOptions.Asynchronous);

    public long Length { get; set; }

    /// <summary>Another volume, or a download, begins with the same bytes.</summary>
    public VolumeContent Share()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            File.Dispose();
    }
}
