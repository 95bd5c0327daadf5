namespace Hypervisor.Sdk.Testing;

/// <summary>A private directory with a short path (unix sockets have 108 bytes), removed with all that is in it.</summary>
public sealed class TempDirectory : IDisposable
{
    /// <summary>Makes the directory, mode 0700.</summary>
    public TempDirectory()
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "hv-" + Guid.NewGuid().ToString("N")[..10]);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(Path);
        else
            Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>The directory's full path.</summary>
    public string Path { get; }

    /// <summary>A path beneath the directory.</summary>
    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    /// <inheritdoc />
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // The test removed it itself.
        }
    }
}
