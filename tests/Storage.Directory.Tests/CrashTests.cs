using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

/// <summary>The process dies before and after every durable effect of every call; the next one finds the pool as it was, or as it should become.</summary>
[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class CrashTests : StorageTests
{
    public enum Call
    {
        Create,
        CreateRaw,
        Upload,
        UploadConverted,
        CloneFull,
        CloneLinked,
        Resize,
        ResizeRaw,
        Flatten,
        Adopt,
        Delete,
        Attach,
        Detach,
    }

    public static TheoryData<Call> Calls => [.. Enum.GetValues<Call>()];

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Calls))]
    public async Task A_crash_anywhere_leaves_it_finished_or_undone(Call call)
    {
        // Counts first, and sees that the call works.
        await PrepareAsync();
        var counted = new CrashSeam();
        await RunAsync(call, counted, RequestId.New());
        Assert.True(IsDone(call));
        int moments = counted.Moments;
        TestContext.Current.TestOutputHelper!.WriteLine($"{call}: {moments / 2} durable effects, {moments} moments to crash at.");
        Assert.True(moments >= 2);

        int finished = 0;
        for (int crash = 1; crash <= moments; crash++)
        {
            System.IO.Directory.Delete(PoolPath, recursive: true);
            await PrepareAsync();
            string[] before = [.. Files];
            var id = RequestId.New();
            var seam = new CrashSeam { CrashAt = crash };
            await Assert.ThrowsAnyAsync<Exception>(() => RunAsync(call, seam, id));
            Assert.True(seam.HasCrashed);

            await using var storage = await OpenAsync();
            bool isDone = IsDone(call);
            finished += isDone ? 1 : 0;
            if (!isDone)
                Assert.Equal(before, Files);
            Assert.Empty(Leftovers);
            foreach (var volume in await storage.ListVolumes(Pool).ToListAsync(Cancellation))
                Assert.True(volume.Format == "raw" || (await new QemuImg().CheckAsync(DiskImage.At(Path.Combine(PoolPath, volume.Name + ".qcow2"), "qcow2"), cancellationToken: Cancellation)) is { IsSound: true, Leaks: 0 });
            if (call is Call.Attach or Call.Detach)
                continue;

            var lookup = await storage.LookUpAsync(id, Cancellation);
            Assert.True(isDone ? lookup.State == RequestState.Succeeded : lookup.State is RequestState.Failed or RequestState.NeverSeen, $"moment {crash}: done {isDone}, log {lookup.State}");

            // The same request again leads to the same end, whatever had become of it.
            await RunAsync(call, null, id);
            Assert.True(IsDone(call));
            Assert.Empty(Leftovers);
        }

        Assert.InRange(finished, 1, moments - 1);
    }

    private static byte[] Base { get; } = Content(256 << 10);

    private async Task PrepareAsync()
    {
        System.IO.Directory.CreateDirectory(PoolPath);
        await using var storage = await OpenAsync();
        var source = await UploadRawAsync(storage, "source", Base);
        await storage.CloneAsync(source.Id, Spec("linked", ByteSize.Zero), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);
        await storage.CreateAsync(Spec("plain", ByteSize.FromMiB(1), "raw"), null, Cancellation).WaitForCompletionAsync(Cancellation);
        File.WriteAllBytes(Path.Combine(PoolPath, "stray.img"), Base);
        await storage.AttachAsync(VolumeId.Parse("images/plain.raw"), Consumer("detached"), VolumeAccess.ReadOnlyMany, Cancellation);
    }

    private async Task RunAsync(Call call, IDurableSeam? seam, RequestId id)
    {
        await using var storage = await OpenAsync(seam);
        var request = Request(id);
        var source = VolumeId.Parse("images/source.raw");
        var linked = VolumeId.Parse("images/linked.qcow2");
        var plain = VolumeId.Parse("images/plain.raw");
        switch (call)
        {
            case Call.Create:
                await storage.CreateAsync(Spec("new"), request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.CreateRaw:
                await storage.CreateAsync(Spec("new", Size, "raw", thin: false), request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.Upload:
                await UploadRawAsync(storage, "new", Base, request);
                break;
            case Call.UploadConverted:
                await storage.UploadAsync(Spec("new", Size, "qcow2"), new MemoryStream(Base), new VolumeUploadOptions { Format = "raw" }, request, Cancellation);
                break;
            case Call.CloneFull:
                await storage.CloneAsync(source, Spec("new", Size, "qcow2"), CloneMode.Full, request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.CloneLinked:
                await storage.CloneAsync(source, Spec("new", ByteSize.Zero), CloneMode.Linked, request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.Resize:
                await storage.ResizeAsync(linked, Size, request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.ResizeRaw:
                await storage.ResizeAsync(source, Size, request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.Flatten:
                await storage.FlattenAsync(linked, request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.Adopt:
                await storage.ImportAsync(Spec("new", ByteSize.Zero), VolumeImport.FileInPool("stray.img", "raw"), request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.Delete:
                await storage.DeleteAsync(linked, request, Cancellation).WaitForCompletionAsync(Cancellation);
                break;
            case Call.Attach:
                await storage.AttachAsync(linked, Consumer("attached"), VolumeAccess.SingleWriter, Cancellation);
                break;
            case Call.Detach:
                await storage.DetachAsync((await storage.AttachAsync(plain, Consumer("detached"), VolumeAccess.ReadOnlyMany, Cancellation)).Id, Cancellation);
                break;
        }
    }

    /// <summary>Whether the effect of the call is there, by what the files say.</summary>
    private bool IsDone(Call call)
    {
        string? made = Files.SingleOrDefault(file => file.StartsWith("new.", StringComparison.Ordinal));
        int leases = System.IO.Directory.EnumerateFiles(Path.Combine(PoolPath, ".hypervisor", "leases")).Count(path => !path.Contains(".unfinished", StringComparison.Ordinal));
        switch (call)
        {
            case Call.Resize:
                return Header("linked.qcow2").Size == Size;
            case Call.ResizeRaw:
                long length = new FileInfo(Path.Combine(PoolPath, "source.raw")).Length;
                Assert.True(length == Size.Bytes || length == Base.Length);
                return length == Size.Bytes;
            case Call.Flatten:
                return Header("linked.qcow2").BackingFile is null;
            case Call.Delete:
                return !Files.Contains("linked.qcow2");
            case Call.Attach:
                return leases == 2;
            case Call.Detach:
                return leases == 0;
        }

        if (made is null)
            return false;
        if (call is Call.Upload or Call.Adopt)
            Assert.Equal(Base, File.ReadAllBytes(Path.Combine(PoolPath, made)));
        else
            Assert.Equal(call is Call.CloneLinked ? new ByteSize(Base.Length) : Size, made.EndsWith(".raw", StringComparison.Ordinal) ? new ByteSize(new FileInfo(Path.Combine(PoolPath, made)).Length) : Header(made).Size);
        return true;
    }

    private Qcow2Header Header(string file) => Qcow2Header.Parse(File.ReadAllBytes(Path.Combine(PoolPath, file)));

    /// <summary>From a chosen moment on the process is dead: nothing durable happens any more. Moments 2n-1 and 2n are before and after effect n.</summary>
    private sealed class CrashSeam : IDurableSeam
    {
        private int _moments;

        public int CrashAt { get; init; } = int.MaxValue;

        public int Moments => Volatile.Read(ref _moments);

        public bool HasCrashed => Moments >= CrashAt;

        public void Before(string effect) => Reach();

        public void After(string effect) => Reach();

        private void Reach()
        {
            if (Interlocked.Increment(ref _moments) >= CrashAt)
                throw new CrashException();
        }
    }

    private sealed class CrashException : Exception;
}
