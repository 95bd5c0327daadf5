using System.Runtime.Versioning;
using System.Security.Cryptography;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

/// <summary>A pool in a private directory, and what most tests do with it.</summary>
[SupportedOSPlatform("linux")]
public abstract class StorageTests : IDisposable
{
    protected static readonly ByteSize Size = ByteSize.FromMiB(8);

    protected StorageTests()
    {
        PoolPath = Temp["pool"];
        System.IO.Directory.CreateDirectory(PoolPath);
    }

    protected static PoolName Pool { get; } = PoolName.Parse("images");

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected TempDirectory Temp { get; } = new();

    protected string PoolPath { get; }

    /// <summary>The files of the pool that are not the backend's own.</summary>
    protected IEnumerable<string> Files => System.IO.Directory.EnumerateFiles(PoolPath).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    /// <summary>What is under work, or left of it.</summary>
    protected IEnumerable<string> Leftovers => System.IO.Directory.EnumerateFiles(Path.Combine(PoolPath, ".hypervisor"), "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(Path.GetDirectoryName(path)) is "work" or "running" || path.Contains(".unfinished", StringComparison.Ordinal));

    public void Dispose()
    {
        Temp.Dispose();
        GC.SuppressFinalize(this);
    }

    protected static VolumeSpec Spec(string? name, ByteSize? size = null, string? format = null, bool thin = true) => new() { Pool = Pool, Name = name, Size = size ?? Size, Format = format, Thin = thin };

    protected static RequestOptions Request(RequestId id) => new() { RequestId = id };

    protected static byte[] Content(int bytes = 3 << 20, byte seed = 1)
    {
        byte[] content = new byte[bytes];
        new Random(seed).NextBytes(content);
        // A hole in the middle.
        content.AsSpan(bytes / 4, bytes / 4).Clear();
        return content;
    }

    protected static async Task<HypervisorException> RefusedAsync(ErrorCode code, Func<Task> action)
    {
        var error = await Assert.ThrowsAsync<HypervisorException>(action);
        Assert.True(error.Code == code, $"{error.Code}: {error.Message}");
        return error;
    }

    protected static async Task<byte[]> ReadAsync(DirectoryStorageBackend storage, VolumeId id)
    {
        await using var stream = await storage.DownloadAsync(id, null, Cancellation);
        var content = new MemoryStream();
        await stream.CopyToAsync(content, Cancellation);
        Assert.Equal(SHA256.HashData(content.ToArray()), ((VolumeContentStream)stream).Sha256!.Value.ToArray());
        return content.ToArray();
    }

    protected static async Task<Volume> UploadRawAsync(DirectoryStorageBackend storage, string name, byte[] content, RequestOptions? request = null) =>
        await storage.UploadAsync(Spec(name, ByteSize.Zero), new MemoryStream(content), new VolumeUploadOptions { Format = "raw" }, request, Cancellation);

    protected static VolumeConsumer Consumer(string instance = "web1", string? node = null) => new()
    {
        Node = NodeName.Parse(node ?? Environment.MachineName),
        AcceptedKinds = ["block", "file"],
        Instance = InstanceRef.Parse($"local/{instance}"),
    };

    protected Task<DirectoryStorageBackend> OpenAsync(IDurableSeam? seam = null, Action<DirectoryStorageOptions>? configure = null)
    {
        var options = new DirectoryStorageOptions { QemuImg = RealPeer.Program("qemu-img") };
        options.Pools["images"] = PoolPath;
        configure?.Invoke(options);
        return DirectoryStorageBackend.OpenAsync(BackendName.Parse("store"), options, seam, null, null, Cancellation);
    }

    protected async Task QemuImgAsync(params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(RealPeer.Program("qemu-img"), arguments) { WorkingDirectory = PoolPath, RedirectStandardOutput = true, RedirectStandardError = true })!;
        string said = await process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        Assert.True(process.ExitCode == 0, said);
    }
}
