using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Storage.Directory.Tests;

[Peer("qemu")]
[SupportedOSPlatform("linux")]
public sealed class VolumeTests : StorageTests
{
    [Theory]
    [InlineData(null, true)]
    [InlineData("qcow2", false)]
    [InlineData("raw", true)]
    [InlineData("raw", false)]
    [Feature("STO-04")]
    [Feature("STO-13")]
    public async Task A_volume_is_made_listed_found_and_deleted(string? format, bool thin)
    {
        await using var storage = await OpenAsync();

        var made = await storage.CreateAsync(Spec("web1", Size, format, thin), null, Cancellation).WaitForCompletionAsync(Cancellation);

        Assert.Equal($"images/web1.{format ?? "qcow2"}", made.Id.ToString());
        Assert.Equal(("web1", Size, format ?? "qcow2", null), (made.Name, made.Size, made.Format, made.ClonedFrom));
        Assert.True(thin ? made.Allocated < ByteSize.FromMiB(1) : made.Allocated >= Size);
        Assert.NotNull(made.CreatedAt);
        var found = await storage.FindAsync(made.Id, Cancellation);
        Assert.Equal((made.Id, made.Revision, made.Size), (found!.Id, found.Revision, found.Size));
        Assert.Equal(made.Id, Assert.Single(await storage.ListVolumes(Pool).ToListAsync(Cancellation)).Id);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(PoolPath, Path.GetFileName(made.Id.ToString()))));

        await storage.DeleteAsync(made.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
        Assert.Null(await storage.FindAsync(made.Id, Cancellation));
        Assert.Empty(await storage.ListVolumes(Pool).ToListAsync(Cancellation));
        Assert.Empty(Files);
        Assert.Empty(Leftovers);
        await RefusedAsync(ErrorCode.NotFound, () => storage.DeleteAsync(made.Id, null, Cancellation));
    }

    [Fact]
    [Feature("STO-13")]
    public async Task A_list_is_read_page_by_page_and_a_bad_file_hides_nothing()
    {
        await using var storage = await OpenAsync();
        for (int i = 0; i < 7; i++)
            File.WriteAllBytes(Path.Combine(PoolPath, $"v{i}.raw"), new byte[512]);
        File.WriteAllText(Path.Combine(PoolPath, "v3x.qcow2"), "no image");
        File.WriteAllText(Path.Combine(PoolPath, "notes.txt"), "no volume");
        File.WriteAllText(Path.Combine(PoolPath, ".hidden.raw"), "hidden");
        File.CreateSymbolicLink(Path.Combine(PoolPath, "link.raw"), "v0.raw");

        var list = storage.ListVolumes(Pool);
        var first = await list.GetPageAsync(null, 3, Cancellation);
        Assert.Equal(["v0", "v1"], first.Items.Select(volume => volume.Name));
        var second = await list.GetPageAsync(first.Continuation, 3, Cancellation);
        Assert.Equal(["v2", "v3"], second.Items.Select(volume => volume.Name));
        var third = await list.GetPageAsync(second.Continuation, 10, Cancellation);
        Assert.Equal(["v4", "v5", "v6"], third.Items.Select(volume => volume.Name));
        Assert.Null(third.Continuation);
        Assert.Equal(7, (await list.ToListAsync(Cancellation)).Count);
        await Assert.ThrowsAsync<ArgumentException>(() => list.GetPageAsync("../x", 3, Cancellation));
        await RefusedAsync(ErrorCode.Corrupted, () => storage.FindAsync(VolumeId.Parse("images/v3x.qcow2"), Cancellation));
    }

    [Theory]
    [InlineData("qcow2")]
    [InlineData("raw")]
    public async Task A_volume_grows_and_never_shrinks(string format)
    {
        await using var storage = await OpenAsync();
        var volume = await storage.CreateAsync(Spec("web1", Size, format), null, Cancellation).WaitForCompletionAsync(Cancellation);

        await RefusedAsync(ErrorCode.InvalidArgument, () => storage.ResizeAsync(volume.Id, ByteSize.FromMiB(4), null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidArgument, () => storage.ResizeAsync(volume.Id, new ByteSize(Size.Bytes + 1), null, Cancellation));
        await RefusedAsync(ErrorCode.Conflict, () => storage.ResizeAsync(volume.Id, ByteSize.FromMiB(16), new RequestOptions { IfRevision = Revision.Parse("other") }, Cancellation));
        var grown = await storage.ResizeAsync(volume.Id, ByteSize.FromMiB(16), new RequestOptions { IfRevision = volume.Revision }, Cancellation).WaitForCompletionAsync(Cancellation);

        Assert.Equal(ByteSize.FromMiB(16), grown.Size);
        Assert.NotEqual(volume.Revision, grown.Revision);
        Assert.Equal(ByteSize.FromMiB(16), (await storage.FindAsync(volume.Id, Cancellation))!.Size);
        Assert.Empty(Leftovers);
    }

    [Fact]
    [Feature("TPL-06")]
    [Feature("TPL-11")]
    public async Task A_full_clone_has_everything_and_stands_alone()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content();
        var source = await UploadRawAsync(storage, "source", content);

        var same = await storage.CloneAsync(source.Id, Spec("same", ByteSize.Zero), CloneMode.Full, null, Cancellation).WaitForCompletionAsync(Cancellation);
        var larger = await storage.CloneAsync(source.Id, Spec("larger", Size, "qcow2"), CloneMode.Full, null, Cancellation).WaitForCompletionAsync(Cancellation);
        await storage.DeleteAsync(source.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);

        Assert.Equal(("raw", source.Size, null), (same.Format, same.Size, same.ClonedFrom));
        Assert.Equal(content, await ReadAsync(storage, same.Id));
        Assert.Equal(("qcow2", Size, null), (larger.Format, larger.Size, larger.ClonedFrom));
        await QemuImgAsync("convert", "-f", "qcow2", "-O", "raw", "larger.qcow2", "../larger");
        byte[] read = File.ReadAllBytes(Temp["larger"]);
        Assert.Equal(content, read[..content.Length]);
        Assert.False(read.AsSpan(content.Length).ContainsAnyExcept((byte)0));
        Assert.Empty(Leftovers);
    }

    [Fact]
    [Feature("TPL-07")]
    [Feature("TPL-11")]
    public async Task A_linked_clone_shares_until_it_is_flattened()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content();
        var source = await UploadRawAsync(storage, "source", content);

        var clone = await storage.CloneAsync(source.Id, Spec("clone", ByteSize.Zero), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);
        var second = await storage.CloneAsync(clone.Id, Spec("second", Size), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);

        Assert.Equal(("qcow2", source.Size, source.Id), (clone.Format, clone.Size, clone.ClonedFrom));
        Assert.Equal((Size, clone.Id), (second.Size, second.ClonedFrom));
        Assert.True(clone.Allocated < ByteSize.FromMiB(1));
        await RefusedAsync(ErrorCode.InvalidState, () => storage.DeleteAsync(source.Id, null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidState, () => storage.AttachAsync(source.Id, Consumer(), VolumeAccess.SingleWriter, Cancellation));

        await QemuImgAsync("convert", "-f", "qcow2", "-O", "raw", "second.qcow2", "../second");
        Assert.Equal(content, File.ReadAllBytes(Temp["second"])[..content.Length]);
        var flat = await storage.FlattenAsync(clone.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
        Assert.Null(flat.ClonedFrom);
        Assert.NotEqual(clone.Revision, flat.Revision);
        await storage.DeleteAsync(source.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
        await QemuImgAsync("convert", "-f", "qcow2", "-O", "raw", "second.qcow2", "../again");
        Assert.Equal(File.ReadAllBytes(Temp["second"]), File.ReadAllBytes(Temp["again"]));
        Assert.Equal(["clone.qcow2", "second.qcow2"], Files);
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task What_a_linked_clone_cannot_be_is_refused()
    {
        await using var storage = await OpenAsync(null, options => options.Pools["other"] = System.IO.Directory.CreateDirectory(Temp["other"]).FullName);
        var source = await UploadRawAsync(storage, "source", Content());

        await RefusedAsync(ErrorCode.Unsupported, () => storage.CloneAsync(source.Id, new VolumeSpec { Pool = PoolName.Parse("other"), Size = default }, CloneMode.Linked, null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidArgument, () => storage.CloneAsync(source.Id, Spec("a", ByteSize.Zero, "raw"), CloneMode.Linked, null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidArgument, () => storage.CloneAsync(source.Id, Spec("a", ByteSize.Zero, thin: false), CloneMode.Linked, null, Cancellation));
        await RefusedAsync(ErrorCode.InvalidArgument, () => storage.CloneAsync(source.Id, Spec("a", ByteSize.FromMiB(1)), CloneMode.Linked, null, Cancellation));
        var elsewhere = await storage.CloneAsync(source.Id, new VolumeSpec { Pool = PoolName.Parse("other"), Size = default }, CloneMode.Full, null, Cancellation).WaitForCompletionAsync(Cancellation);
        Assert.Equal("other", elsewhere.Pool.ToString());
    }

    [Fact]
    public async Task A_volume_with_snapshots_within_is_not_flattened()
    {
        await using var storage = await OpenAsync();
        var source = await UploadRawAsync(storage, "source", Content());
        var clone = await storage.CloneAsync(source.Id, Spec("clone", ByteSize.Zero), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);
        await QemuImgAsync("snapshot", "-c", "one", "clone.qcow2");

        await RefusedAsync(ErrorCode.InvalidState, () => storage.FlattenAsync(clone.Id, null, Cancellation).WaitForCompletionAsync(Cancellation));
        Assert.Equal(source.Id, (await storage.FindAsync(clone.Id, Cancellation))!.ClonedFrom);
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task Of_two_creates_of_one_name_at_once_one_wins()
    {
        await using var one = await OpenAsync();
        await using var two = await OpenAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                await (i % 2 == 0 ? one : two).CreateAsync(Spec("web1", Size, i % 3 == 0 ? "raw" : "qcow2"), null, Cancellation).WaitForCompletionAsync(Cancellation);
                return "made";
            }
            catch (HypervisorException error)
            {
                return error.Code.ToString();
            }
        }));

        Assert.Single(outcomes, "made");
        Assert.Equal(7, outcomes.Count(outcome => outcome == "already-exists"));
        Assert.Single(Files);
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task Two_backends_on_one_directory_do_not_get_in_each_others_way()
    {
        await using var one = await OpenAsync();
        await using var two = await OpenAsync();

        await Task.WhenAll(Enumerable.Range(0, 12).Select(async i =>
        {
            var storage = i % 2 == 0 ? one : two;
            var volume = await storage.CreateAsync(Spec($"v{i}"), null, Cancellation).WaitForCompletionAsync(Cancellation);
            var clone = await storage.CloneAsync(volume.Id, Spec($"c{i}", ByteSize.Zero), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);
            await storage.DeleteAsync(clone.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
            if (i % 3 != 0)
                await storage.DeleteAsync(volume.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
        }));

        Assert.Equal(["v0.qcow2", "v3.qcow2", "v6.qcow2", "v9.qcow2"], Files);
        Assert.Empty(Leftovers);
    }

    [Fact]
    public async Task Another_process_that_holds_the_pool_is_waited_for()
    {
        await using var storage = await OpenAsync();
        await storage.CreateAsync(Spec("first"), null, Cancellation).WaitForCompletionAsync(Cancellation);
        using var holder = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("flock", [Path.Combine(PoolPath, ".hypervisor", "lock"), "sh", "-c", "echo held; read line"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Assert.Equal("held", await holder.StandardOutput.ReadLineAsync(Cancellation));

        using (var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(100)))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => storage.CreateAsync(Spec("second"), null, impatient.Token));
        var waiting = storage.CreateAsync(Spec("second"), null, Cancellation);
        Assert.False(waiting.IsCompleted);
        holder.StandardInput.Close();
        await holder.WaitForExitAsync(Cancellation);
        await waiting.WaitForCompletionAsync(Cancellation);
        Assert.Equal(["first.qcow2", "second.qcow2"], Files);
    }

    [Fact]
    [Feature("STO-18")]
    public async Task A_pool_says_what_it_holds_and_what_is_taken()
    {
        await using var storage = await OpenAsync();
        var before = Assert.Single(await storage.ListPoolsAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal((Pool, "directory", ByteSize.Zero), (before.Name, before.Kind, before.Used));

        await storage.CreateAsync(Spec("thick", Size, "raw", thin: false), null, Cancellation).WaitForCompletionAsync(Cancellation);
        await storage.CreateAsync(Spec("thin", Size, "raw"), null, Cancellation).WaitForCompletionAsync(Cancellation);
        var after = Assert.Single(await storage.ListPoolsAsync(Cancellation).ToListAsync(Cancellation));

        Assert.InRange(after.Used!.Value.Bytes, Size.Bytes, Size.Bytes + (64 << 10));
        Assert.Equal(new DriveInfo(PoolPath).TotalSize, after.Capacity!.Value.Bytes);
        Assert.True(after.Available < after.Capacity);
        Assert.Equal(Environment.MachineName, after.Node.ToString());
    }

    [Fact]
    public async Task Progress_is_told_and_work_can_be_cancelled_and_has_a_deadline()
    {
        await using var storage = await OpenAsync();
        var source = await UploadRawAsync(storage, "source", Content(64 << 20));

        var clone = await storage.CloneAsync(source.Id, Spec("clone", ByteSize.Zero, "qcow2"), CloneMode.Full, null, Cancellation);
        var moments = await clone.WatchAsync(Cancellation).ToListAsync(Cancellation);
        Assert.Equal(OperationState.Succeeded, moments[^1].State);
        Assert.Equal(moments.Select(moment => moment.Fraction ?? 0).Order(), moments.Select(moment => moment.Fraction ?? 0));

        var cancelled = await storage.CloneAsync(source.Id, Spec("cancelled", ByteSize.Zero, "qcow2"), CloneMode.Full, null, Cancellation);
        Assert.True(await cancelled.TryCancelAsync(Cancellation));
        await RefusedAsync(ErrorCode.Cancelled, () => cancelled.WaitAsync(Cancellation));
        Assert.Equal(OperationState.Cancelled, (await cancelled.GetProgressAsync(Cancellation)).State);
        await RefusedAsync(ErrorCode.Timeout, () => storage.CloneAsync(source.Id, Spec("late", ByteSize.Zero, "qcow2"), CloneMode.Full, new RequestOptions { Deadline = TimeSpan.FromTicks(1) }, Cancellation).WaitForCompletionAsync(Cancellation));
        Assert.Equal(["clone.qcow2", "source.raw"], Files);
        Assert.Empty(Leftovers);

        // The source was given back.
        await storage.DeleteAsync(source.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("-rf")]
    [InlineData(".hidden")]
    [InlineData("a,b=c")]
    [InlineData("$(id)")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("a\u202Eb")]
    [InlineData("nbd:x")]
    [InlineData("web1.qcow2")]
    [InlineData("300")]
    public async Task A_bad_name_is_refused_before_anything_happens(string name)
    {
        await using var storage = await OpenAsync();

        var error = await RefusedAsync(ErrorCode.InvalidArgument, () => storage.CreateAsync(Spec(name == "300" ? new string('a', 300) : name), null, Cancellation));
        Assert.Contains(nameof(VolumeSpec.Name), error.FieldErrors!.Keys);
        Assert.Empty(System.IO.Directory.EnumerateFileSystemEntries(PoolPath));
        if (name.Length > 0 && VolumeId.TryParse($"images/{name}", null, out var id))
            Assert.Null(await storage.FindAsync(id, Cancellation));
        foreach (string bad in (string[])["images/../secret.raw", "images/.hypervisor/lock", "images/sub/x.raw", "images/", "other/web1.raw", "web1.raw", "images/x"])
            Assert.Null(await storage.FindAsync(VolumeId.Parse(bad), Cancellation));
    }

    [Fact]
    public async Task Files_with_the_worst_names_are_volumes_too()
    {
        await using var storage = await OpenAsync();
        byte[] content = Content(1 << 20);
        string[] names = ["nbd:localhost:10809", "json:{}", "a,b=c", "-rf", "a b'\"`$(id)", "ü🖥"];
        foreach (string name in names)
        {
            File.WriteAllBytes(Path.Combine(PoolPath, name + ".raw"), content);
            var id = VolumeId.Parse($"images/{name}.raw");

            var clone = await storage.CloneAsync(id, Spec(null, ByteSize.Zero), CloneMode.Linked, null, Cancellation).WaitForCompletionAsync(Cancellation);
            Assert.Equal(id, clone.ClonedFrom);
            var flat = await storage.FlattenAsync(clone.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
            await storage.DeleteAsync(id, null, Cancellation).WaitForCompletionAsync(Cancellation);
            var raw = await storage.CloneAsync(flat.Id, Spec("raw", ByteSize.Zero, "raw"), CloneMode.Full, null, Cancellation).WaitForCompletionAsync(Cancellation);
            Assert.Equal(content, await ReadAsync(storage, raw.Id));
            await storage.DeleteAsync(raw.Id, null, Cancellation).WaitForCompletionAsync(Cancellation);
        }
    }
}
