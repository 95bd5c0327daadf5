using System.Runtime.Versioning;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// A little space on a disk, held for what frees a full one: a deletion has to be noted before it is done, and the note must not want for room. Give it up when a deletion fails with <see cref="ErrorCode.Exhausted"/>, try again,
/// and take it anew once that is done.
/// </summary>
/// <param name="directory">The directory that holds the file.</param>
/// <param name="path">The file beneath it.</param>
[SupportedOSPlatform("linux")]
public sealed class SpaceReserve(RootedDirectory directory, string path)
{
    /// <summary>How much is held: 64 KiB.</summary>
    private const long ReserveBytes = 64 << 10;

    /// <summary>Takes the space. Does nothing when it is held, when the disk is full now, or when nothing can be written or allocated here.</summary>
    /// <exception cref="HypervisorException">The disk fails.</exception>
    public void Take()
    {
        if (directory.Find(path) is not null)
            return;
        try
        {
            using var file = directory.CreateFile(path);
            directory.Allocate(file, ReserveBytes, path);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Exhausted)
        {
            directory.Delete(path);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.AlreadyExists || error.Code == ErrorCode.Denied || error.Code == ErrorCode.Unsupported)
        {
            // Another process has made it in this moment, nothing can be written here, or space cannot be taken before it is used.
        }
    }

    /// <summary>Gives the space up.</summary>
    /// <returns>False when none was held.</returns>
    public bool GiveUp() => directory.Delete(path);
}
