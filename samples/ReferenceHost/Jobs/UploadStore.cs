using System.Security.Cryptography;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>
/// The bodies of uploads that have become jobs, each a file of the owner's alone in a directory of the host's state: too long for the row of a job. A file is encrypted by a key of its own, which is in the arguments of its job and
/// nowhere else. It is deleted with the end of its job, and in the night or by the next start where that could not be done.
/// </summary>
internal sealed class UploadStore(string directory)
{
    /// <summary>The longest body.</summary>
    public const long MaxBytes = 4L << 30;

    /// <summary>How much all of them may take.</summary>
    public const long MaxAllBytes = 16L << 30;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan s_orphan = TimeSpan.FromDays(1);

    // Who looks for a file while it is given another name finds neither.
    private readonly Lock _names = new();

    /// <summary>Keeps a body, durably; null where it is too long or there are too many.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public async Task<UploadWork?> KeepAsync(MachineWork work, Stream body, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
        long room = Math.Min(MaxBytes, MaxAllBytes - new DirectoryInfo(directory).EnumerateFiles().Sum(file => file.Length));
        string name = Guid.NewGuid().ToString("N");
        byte[] key = RandomNumberGenerator.GetBytes(SealedFile.KeyBytes);
        try
        {
            await using var file = new FileStream(Path.Combine(directory, name), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly, Options = FileOptions.Asynchronous });
            if (await SealedFile.WriteAsync(file, body, key, room, cancellationToken) is { } length)
            {
                await file.FlushAsync(cancellationToken);
                file.Flush(flushToDisk: true);
                return new UploadWork(work, name, key, length);
            }
        }
        catch
        {
            Delete(name);
            throw;
        }

        Delete(name);
        return null;
    }

    /// <summary>Says whose file it is: by that it is deleted where its job is gone.</summary>
    public void Name(string file, JobId job)
    {
        lock (_names)
        {
            // Where it is gone the job has ended already.
            if (Find(file) is { } path)
                File.Move(path, Path.Combine(directory, $"{file}.{job}"));
        }
    }

    /// <exception cref="HypervisorException">It is gone: its job has ended once.</exception>
    public Stream Open(UploadWork work)
    {
        lock (_names)
        {
            return Find(work.File) is { } path
                ? new SealedFile(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous), work.Key, work.Length)
                : throw new HypervisorException("What was sent is not kept any longer, as the upload has ended once: send the file again.", ErrorCode.NotFound, RequestOutcome.NotSent);
        }
    }

    public void Delete(string file)
    {
        lock (_names)
        {
            if (Find(file) is { } path)
                File.Delete(path);
        }
    }

    /// <summary>Deletes what no job needs any longer.</summary>
    public async Task<int> TidyAsync(IJobs jobs, DateTimeOffset now, CancellationToken cancellationToken)
    {
        int deleted = 0;
        foreach (var file in Directory.Exists(directory) ? new DirectoryInfo(directory).GetFiles() : [])
        {
            bool isOver = JobId.TryParse(file.Extension.TrimStart('.'), out var id)
                ? await jobs.GetAsync(id, cancellationToken) is not { HasEnded: false }
                : now - file.LastWriteTimeUtc > s_orphan;
            if (!isOver)
                continue;
            file.Delete();
            deleted++;
        }

        return deleted;
    }

    private string? Find(string file) => Directory.Exists(directory) ? Directory.EnumerateFiles(directory, file + "*").FirstOrDefault() : null;
}
