#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Images that are there and become a machine's own. Nothing is booted: what a guest would write, its device writes by QEMU's monitor.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ExistingVolumeTests
{
    private static readonly DeviceId s_disk = DeviceId.Parse("disk0");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task What_a_deleted_machine_has_left_is_taken_over_with_its_layers_and_left_again()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var (hypervisor, layers) = (backend.Get<IHypervisor>(), backend.Get<IDiskLayers>());
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), Enumerable.Repeat((byte)9, 8 << 20).ToArray(), Token);
        var id = (await hypervisor.CreateAsync(QemuLab.EmptySpec("first", spec => spec.Disks[0] = new DiskSpec { Content = new DiskContent.FromImage("base.raw"), Disposal = DiskDisposal.Kept }), null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "write -P 1 1M 1M");
        await layers.AddAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "write -P 2 2M 1M");
        var volume = (await hypervisor.GetAsync(id, Token)).Disks[0].Volume!.Value;
        await DeleteAsync(hypervisor, id);
        Assert.Equal(2, Left(lab).Count);

        var second = await hypervisor.CreateAsync(QemuLab.EmptySpec("second", spec => spec.Disks[0] = new DiskSpec { Content = new DiskContent.Existing(volume) }), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((DiskDisposal.Kept, ByteSize.FromMiB(8)), (second.Disks[0].Disposal, second.Disks[0].Size));
        Assert.Empty(Left(lab));
        await hypervisor.StartAsync(second.Id, null, Token).WaitForCompletionAsync(Token);
        foreach (string read in (string[])["read -P 9 0 1M", "read -P 1 1M 1M", "read -P 2 2M 1M"])
            await QemuLab.IoAsync(backend, second.Id, read);
        var chain = await layers.ListAsync(second.Id, s_disk, Token).ToListAsync(Token);
        Assert.Equal([true, true, false], chain.Select(layer => layer.IsOwn));
        await layers.CommitAsync(second.Id, s_disk, chain[0].Name, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, second.Id, "read -P 2 2M 1M");
        volume = (await hypervisor.GetAsync(second.Id, Token)).Disks[0].Volume!.Value;
        await DeleteAsync(hypervisor, second.Id);
        string left = Assert.Single(Left(lab));

        // Into a machine that runs, under another name.
        var third = (await hypervisor.CreateAsync(QemuLab.EmptySpec("third"), null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(third, null, Token).WaitForCompletionAsync(Token);
        var change = new InstanceChange();
        change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("old"), Content = new DiskContent.Existing(volume) });
        await hypervisor.ChangeAsync(third, change, new ApplyOptions { Accept = ChangeEffects.Live | ChangeEffects.AtNextStart }, null, Token).WaitForCompletionAsync(Token);
        Assert.False(File.Exists(left));
        await hypervisor.RestartAsync(third, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, third, "read -P 1 1M 1M", "old");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_file_elsewhere_is_taken_from_where_it_was_and_what_cannot_be_trusted_is_refused_with_its_value()
    {
        await using var lab = await QemuLab.CreateAsync();
        string pool = lab["pool"], outside = lab["outside"];
        Directory.CreateDirectory(pool);
        Directory.CreateDirectory(outside);
        await using var backend = await lab.ConnectAsync(options => options.AttachDirectories = [pool]);
        var hypervisor = backend.Get<IHypervisor>();
        string image = Path.Combine(lab.Images, "base.raw");
        await File.WriteAllBytesAsync(image, Enumerable.Repeat((byte)9, 8 << 20).ToArray(), Token);
        await ToolAsync("create", "-q", "-f", "qcow2", "-b", image, "-F", "raw", Path.Combine(pool, "data.qcow2"));
        var id = (await CreateAsync("data.qcow2")).Id;
        Assert.False(File.Exists(Path.Combine(pool, "data.qcow2")));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 9 0 8M");

        await ToolAsync("create", "-q", "-f", "qcow2", Path.Combine(outside, "secret.qcow2"), "8M");
        await ToolAsync("create", "-q", "-f", "qcow2", "-u", "-b", Path.Combine(outside, "secret.qcow2"), "-F", "qcow2", Path.Combine(pool, "leak.qcow2"), "8M");
        await ToolAsync("create", "-q", "-f", "qcow2", "-u", "-b", "json:{\"driver\":\"file\",\"filename\":\"/etc/shadow\"}", "-F", "raw", Path.Combine(pool, "json.qcow2"), "8M");
        await ToolAsync("create", "-q", "-f", "qcow2", "-u", "-b", "beside.qcow2", "-F", "qcow2", Path.Combine(pool, "relative.qcow2"), "8M");
        await ToolAsync("create", "-q", "-f", "qcow2", "-o", $"data_file={Path.Combine(outside, "data")}", Path.Combine(pool, "split.qcow2"), "8M");
        await File.WriteAllBytesAsync(Path.Combine(pool, "raw.qcow2"), new byte[8 << 20], Token);
        await ToolAsync("create", "-q", "-f", "qcow2", Path.Combine(pool, "disk.img"), "8M");
        await ToolAsync("create", "-q", "-f", "qcow2", Path.Combine(pool, "twice.qcow2"), "8M");
        await ToolAsync("create", "-q", "-f", "qcow2", Path.Combine(pool, "used.qcow2"), "8M");
        using (var link = Process.Start("ln", [Path.Combine(pool, "twice.qcow2"), Path.Combine(pool, "again.qcow2")]))
            await link.WaitForExitAsync(Token);
        File.CreateSymbolicLink(Path.Combine(pool, "link.qcow2"), Path.Combine(outside, "secret.qcow2"));
        File.SetUnixFileMode(Path.Combine(pool, "used.qcow2"), (UnixFileMode)438);
        await hypervisor.CreateAsync(QemuLab.EmptySpec("user", spec => spec.Disks[0].Content = new DiskContent.Attached(new VolumeAttachment.File(Path.Combine(pool, "used.qcow2"), "qcow2"))), null, Token).WaitForCompletionAsync(Token);

        await RefusedAsync(ErrorCode.NotFound, "secret.qcow2", "leak.qcow2");
        await RefusedAsync(ErrorCode.Denied, "json:", "json.qcow2");
        await RefusedAsync(ErrorCode.Denied, "'beside.qcow2'", "relative.qcow2");
        await RefusedAsync(ErrorCode.Denied, "another file", "split.qcow2");
        await RefusedAsync(ErrorCode.Corrupted, "not a qcow2 image", "raw.qcow2");
        await RefusedAsync(ErrorCode.InvalidArgument, "formats are not guessed", "disk.img");
        await RefusedAsync(ErrorCode.NotFound, "regular file", "link.qcow2");
        await RefusedAsync(ErrorCode.NotFound, "nowhere.qcow2", "nowhere.qcow2");
        await RefusedAsync(ErrorCode.Denied, "outside the directories", "../outside/secret.qcow2");
        await RefusedAsync(ErrorCode.Locked, "one name", "twice.qcow2");
        await RefusedAsync(ErrorCode.Locked, "'user'", "used.qcow2");
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(Spec("kept", VolumeId.Parse("../vms/x.qcow2")), null, Token));
        Assert.Equal(ErrorCode.NotFound, refused.Code);
        refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(QemuLab.EmptySpec("gone", spec => spec.Disks[0] = new DiskSpec { Content = new DiskContent.Existing(VolumeId.Parse(Path.Combine(pool, "again.qcow2"))), Disposal = DiskDisposal.DeletedWithInstance }), null, Token));
        Assert.Contains("disks[0].disposal", refused.FieldErrors!.Keys);
        await using var anywhere = await lab.ConnectAsync();
        refused = await Assert.ThrowsAsync<HypervisorException>(() => anywhere.Get<IHypervisor>().CreateAsync(Spec("any", VolumeId.Parse(Path.Combine(pool, "again.qcow2"))), null, Token));
        Assert.Contains(nameof(QemuOptions.AttachDirectories), refused.Message, StringComparison.Ordinal);

        Task<Instance> CreateAsync(string file) => hypervisor.CreateAsync(Spec(Path.GetFileNameWithoutExtension(file), VolumeId.Parse(Path.Combine(pool, file))), null, Token).WaitForCompletionAsync(Token);

        async Task RefusedAsync(ErrorCode code, string words, string file)
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(() => CreateAsync(file));
            Assert.True(error.Code == code && (error.Message + error.BackendMessage).Contains(words, StringComparison.Ordinal), $"{file}: {error.Code}, {error.Message} {error.BackendMessage}");
            Assert.True(file.Contains("nowhere", StringComparison.Ordinal) || Path.Exists(Path.Combine(pool, file)), file);
        }
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_crash_at_any_point_leaves_an_image_where_it_was_or_with_the_machine()
    {
        int points = await CrashPoints.RunAsync(
            "take an image over",
            async (lab, backend) =>
            {
                Directory.CreateDirectory(Path.Combine(lab.StateDirectory, "kept", "one"));
                await ToolAsync("create", "-q", "-f", "qcow2", Path.Combine(lab.StateDirectory, "kept", "one", "disk0.qcow2"), "8M");
                return null;
            },
            async (_, backend, _) => await backend.Get<IHypervisor>().CreateAsync(Spec("web", VolumeId.Parse("one/disk0.qcow2")), null, Token).WaitForCompletionAsync(Token),
            async (lab, backend, _, finished) =>
            {
                var found = await backend.Get<IHypervisor>().List().ToListAsync(Token);
                Assert.True(found.Count == 1 || !finished);
                string place = found.Count == 1 ? Path.Combine(lab.StateDirectory, "vms", found[0].Id.ToString(), "disks", "disk0.qcow2") : Path.Combine(lab.StateDirectory, "kept", "one", "disk0.qcow2");
                Assert.True(File.Exists(place), place);
                Assert.Equal(found.Count == 1 ? 0 : 1, Left(lab).Count);
                if (found.Count == 0)
                    await backend.Get<IHypervisor>().CreateAsync(Spec("web", VolumeId.Parse("one/disk0.qcow2")), null, Token).WaitForCompletionAsync(Token);
            });
        Assert.True(points > 10, $"{points} points");
    }

    private static VirtualMachineSpec Spec(string name, VolumeId volume) => QemuLab.EmptySpec(name, spec => spec.Disks[0] = new DiskSpec { Content = new DiskContent.Existing(volume) });

    private static IReadOnlyList<string> Left(QemuLab lab)
    {
        string kept = Path.Combine(lab.StateDirectory, "kept");
        return Directory.Exists(kept) ? [.. Directory.EnumerateFiles(kept, "*", SearchOption.AllDirectories)] : [];
    }

    private static async Task DeleteAsync(IHypervisor hypervisor, InstanceId id) => await (await hypervisor.DeleteAsync(id, new DeleteOptions { StopFirst = true }, null, Token)).WaitAsync(Token);

    private static async Task ToolAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(RealPeer.Program("qemu-img"), arguments))!;
        await process.WaitForExitAsync(Token);
        Assert.Equal(0, process.ExitCode);
    }
}
