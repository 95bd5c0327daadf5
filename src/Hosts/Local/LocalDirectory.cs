using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Hosts;

/// <summary>A directory of this machine. The system has no calls for names that do not block, so they are made on the pool.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LocalDirectory(RootedDirectory root) : IHostDirectory
{
    private const int PieceBytes = 128 << 10;

    public string Path => root.Path;

    public Task<HostFile?> FindAsync(string path, CancellationToken cancellationToken = default) => Task.Run(() => root.Find(path) is { } facts ? ToFile(path[(path.LastIndexOf('/') + 1)..], facts) : null, cancellationToken);

    public async IAsyncEnumerable<HostFile> ListAsync(string? path = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var directory = path is null ? null : await Task.Run(() => root.OpenDirectory(path), cancellationToken).ConfigureAwait(false);
        var listed = directory ?? root;
        foreach (string name in await Task.Run(listed.List, cancellationToken).ConfigureAwait(false))
        {
            // One that is gone by now was removed meanwhile, or has a name that is not UTF-8 and cannot be asked for.
            if (listed.Find(name) is { } facts)
                yield return ToFile(name, facts);
            else if (name.Contains('\uFFFD'))
                yield return new HostFile { Name = name, Kind = HostFileKind.Other, LengthBytes = 0, Mode = 0, ModifiedAt = default };
        }
    }

    public Task<Stream> OpenReadAsync(string path, CancellationToken cancellationToken = default) =>
        Task.Run<Stream>(() => new FileStream(root.OpenFile(path), FileAccess.Read, bufferSize: 0), cancellationToken);

    public async Task WriteAsync(string path, Stream content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        HostPath.Components(path);
        string unfinished = $"{path[..(path.LastIndexOf('/') + 1)]}{RootedDirectory.UnfinishedPrefix}{Guid.NewGuid():N}";
        using var file = root.CreateFile(unfinished);
        try
        {
            byte[] piece = new byte[PieceBytes];
            long offset = 0;
            int bytes;
            while ((bytes = await content.ReadAsync(piece, cancellationToken).ConfigureAwait(false)) > 0)
            {
                await root.WriteAsync(file, piece.AsMemory(0, bytes), offset, unfinished, cancellationToken).ConfigureAwait(false);
                offset += bytes;
            }

            await Task.Run(
                () =>
                {
                    File.SetUnixFileMode(file, mode);
                    root.FlushFile(file, unfinished);
                    root.Rename(unfinished, path, replace: true);
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            root.Delete(unfinished);
            throw;
        }
    }

    public Task CreateDirectoryAsync(string path, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, CancellationToken cancellationToken = default) => Task.Run(
        () =>
        {
            bool wasThere = root.Find(path) is not null;
            root.CreateDirectory(path, mode);
            if (wasThere || root.Find(path)?.Mode == mode)
                return;
            // What the umask has taken.
            using var made = root.OpenDirectory(path);
            made.SetMode(mode);
        },
        cancellationToken);

    public Task RenameAsync(string from, string to, bool replace = false, CancellationToken cancellationToken = default) => Task.Run(() => root.Rename(from, to, replace), cancellationToken);

    public Task<bool> RemoveAsync(string path, CancellationToken cancellationToken = default) =>
        Task.Run(() => root.Find(path) is { IsDirectory: true } ? root.DeleteDirectory(path) : root.Delete(path), cancellationToken);

    public ValueTask DisposeAsync()
    {
        root.Dispose();
        return ValueTask.CompletedTask;
    }

    private static HostFile ToFile(string name, FileFacts facts) => new()
    {
        Name = name,
        Kind = facts.IsRegularFile ? HostFileKind.File : facts.IsDirectory ? HostFileKind.Directory : facts.IsLink ? HostFileKind.Link : HostFileKind.Other,
        LengthBytes = facts.Length,
        Mode = facts.Mode,
        ModifiedAt = facts.ModifiedAt,
    };
}
