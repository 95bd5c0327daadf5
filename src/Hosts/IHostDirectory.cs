namespace Hypervisor.Sdk.Hosts;

/// <summary>
/// A directory of a node, and what is beneath it. Paths are relative, with <c>/</c> between components, none of which is empty, <c>.</c> or <c>..</c>; a path that leads through a link is refused
/// (<see cref="ErrorCode.Denied"/>). Safe to use from several threads.
/// </summary>
/// <remarks>
/// On this machine the kernel sees to it, also when somebody exchanges a directory for a link meanwhile. By SFTP every component is looked at first, which such an exchange in the same moment could evade: a directory that others
/// may write to is no place for what matters.
/// </remarks>
public interface IHostDirectory : IAsyncDisposable
{
    /// <summary>The absolute path by which it was opened.</summary>
    string Path { get; }

    /// <summary>Looks at an entry, which is not followed when it is a link; null when there is none.</summary>
    Task<HostFile?> FindAsync(string path, CancellationToken cancellationToken = default);

    /// <summary>What is in a directory, in no order, without <c>.</c> and <c>..</c>. A name that is not UTF-8 is shown with U+FFFD and cannot be opened.</summary>
    /// <param name="path">The directory beneath this one; null for this one itself.</param>
    /// <param name="cancellationToken">Gives up.</param>
    IAsyncEnumerable<HostFile> ListAsync(string? path = null, CancellationToken cancellationToken = default);

    /// <summary>Opens a regular file for reading, from its beginning. The stream is read in order.</summary>
    /// <exception cref="HypervisorException">There is none (<see cref="ErrorCode.NotFound"/>), or it is no regular file (<see cref="ErrorCode.Denied"/>).</exception>
    Task<Stream> OpenReadAsync(string path, CancellationToken cancellationToken = default);

    /// <summary>Writes a file, in place of the one that is there: what fails in the middle leaves that as it was, and nobody sees half of the new one.</summary>
    /// <param name="path">The path beneath this directory.</param>
    /// <param name="content">What it will hold, read to its end.</param>
    /// <param name="mode">Who may use it, whatever the umask. Default: the owner may read and write.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">The disk is full, or the directory may not be written to.</exception>
    /// <remarks>
    /// To a temporary name, flushed, renamed. The directory is flushed on this machine; SFTP has no word for that, so that a power cut of another machine right afterwards may bring back the file from before.
    /// </remarks>
    Task WriteAsync(string path, Stream content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, CancellationToken cancellationToken = default);

    /// <summary>Makes a directory. One that is there already is left as it is.</summary>
    /// <param name="path">The path beneath this directory; what it is in exists.</param>
    /// <param name="mode">Who may use it, whatever the umask. Default: the owner alone.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task CreateDirectoryAsync(string path, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, CancellationToken cancellationToken = default);

    /// <summary>Renames an entry.</summary>
    /// <param name="from">The path that there is.</param>
    /// <param name="to">The path that there will be.</param>
    /// <param name="replace">Whether a file that has that name already gives way. Default false.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">There is no such entry (<see cref="ErrorCode.NotFound"/>), or the name is taken (<see cref="ErrorCode.AlreadyExists"/>).</exception>
    Task RenameAsync(string from, string to, bool replace = false, CancellationToken cancellationToken = default);

    /// <summary>Removes a file, a link or an empty directory.</summary>
    /// <returns>False when there was none.</returns>
    /// <exception cref="HypervisorException">It may not be removed, or is a directory that is not empty.</exception>
    Task<bool> RemoveAsync(string path, CancellationToken cancellationToken = default);
}
