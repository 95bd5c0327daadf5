using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.CloudInit;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>What guests are told at their first boot.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class CloudInitTests
{
    private const string Canary = "canary-in-a-file";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    [Feature("CLI-01")]
    public async Task A_guest_reads_its_documents_from_a_disk_of_its_own_also_after_it_went_back_to_a_snapshot()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("web-1", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(16)) }));
        spec.UseCloudInit(
            new CloudConfig { Users = { new CloudUser { Name = "ana", Password = Secret.FromText("swordfish") } }, Files = { CloudFile.FromText("/etc/token", Canary) } },
            new CloudNetwork { Interfaces = { new CloudInterface { Name = "eth0", Addresses = { Cidr.Parse("10.0.2.15/24") } } } });
        var vm = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        // The caller's own may change afterwards.
        string document = spec.CloudInit!.UserData!;
        spec.CloudInit.UserData = "#cloud-config\n# another\n";
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
        await backend.Get<ISnapshots>().CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("fresh"), IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        await backend.Get<ISnapshots>().RevertAsync(vm.Id, SnapshotName.Parse("fresh"), null, Token).WaitForCompletionAsync(Token);

        Assert.Equal("ds=nocloud\n", await RunAsync("cat /sys/class/dmi/id/product_serial"));
        // The machine's own disk keeps the first name.
        await RunAsync("modprobe isofs && mount -t iso9660 -o ro /dev/vdb /mnt");
        Assert.Equal($"instance-id: \"{vm.Incarnation}\"\nlocal-hostname: \"web-1\"\n", await RunAsync("cat /mnt/meta-data"));
        Assert.Equal(document, await RunAsync("cat /mnt/user-data"));
        Assert.Equal(spec.CloudInit.NetworkConfig, await RunAsync("cat /mnt/network-config"));
        Assert.Equal("meta-data\nnetwork-config\nuser-data\n", await RunAsync("ls /mnt"));

        // What may be secret is in the seed and in the file for clones, which only their owners read.
        string encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(Canary));
        string machine = Path.Combine(lab.StateDirectory, "vms", vm.Id.ToString());
        Assert.Equal([$"{machine}/cloud-init.json", $"{machine}/disks/hv-seed.iso"], (await FilesWithAsync(encoded, machine)).Order(StringComparer.Ordinal));
        Assert.All(["cloud-init.json", "disks/hv-seed.iso"], file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(machine, file))));
        await hypervisor.DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.False(Directory.Exists(machine));

        async Task<string> RunAsync(string line)
        {
            var result = await backend.Get<ICommands>().RunAsync(vm.Id, new CommandSpec { Command = ["/bin/sh", "-c", line] }, default, Token);
            Assert.True(result.IsSuccess, Encoding.UTF8.GetString(result.Error.Span));
            return Encoding.UTF8.GetString(result.Output.Span);
        }
    }

    /// <summary>By grep, which asks nobody's leave to read: this process holds some of the files.</summary>
    private static async Task<string[]> FilesWithAsync(string text, string directory)
    {
        using var grep = Process.Start(new ProcessStartInfo("grep", ["-rlF", text, directory]) { RedirectStandardOutput = true })!;
        string files = await grep.StandardOutput.ReadToEndAsync(Token);
        await grep.WaitForExitAsync(Token);
        return files.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact(Timeout = 120_000)]
    [Feature("TPL-15")]
    public async Task A_clone_of_a_template_is_told_the_same_and_that_it_is_another_machine()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = QemuLab.EmptySpec("golden");
        spec.UseCloudInit(new CloudConfig { HostName = "golden", Packages = { "nginx" } });
        spec.CloudInit!.InstanceDataId = "first";
        var source = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        Assert.Contains("instance-id: \"first\"\nlocal-hostname: \"golden\"\n", await SeedAsync(source), StringComparison.Ordinal);
        await backend.Get<ITemplates>().ConvertToTemplateAsync(source.Id, null, Token).WaitForCompletionAsync(Token);
        foreach (var mode in new[] { CloneMode.Linked, CloneMode.Full })
        {
            var clone = await backend.Get<ICloning>().CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse($"copy-{mode:D}"), Mode = mode }, null, Token).WaitForCompletionAsync(Token);
            string seed = await SeedAsync(clone);
            Assert.Contains($"instance-id: \"{clone.Incarnation}\"\nlocal-hostname: \"copy-{mode:D}\"\n", seed, StringComparison.Ordinal);
            Assert.Contains(spec.CloudInit.UserData!, seed, StringComparison.Ordinal);
            await hypervisor.StartAsync(clone.Id, null, Token).WaitForCompletionAsync(Token);
        }

        async Task<string> SeedAsync(Instance machine) => Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Path.Combine(lab.StateDirectory, "vms", machine.Id.ToString(), "disks", SeedMaker.File), Token));
    }

    [Theory(Timeout = 120_000)]
    [InlineData("smbios", "pc")]
    [InlineData("cd", "pc")]
    [InlineData("cd", "q35")]
    [InlineData("disk", "q35")]
    public async Task The_other_ways_to_a_guest_are_taken_when_they_are_asked_for(string delivery, string type)
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var spec = lab.Spec("web", spec => spec.Extensions.Set(new QemuMachine { Graphics = false, Type = type }));
        spec.CloudInit = new CloudInitData { Delivery = delivery, HostName = "web.example.org", InstanceDataId = "i-1" };
        var vm = await backend.Get<IHypervisor>().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IHypervisor>().StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        if (delivery == "smbios")
        {
            await lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
            await lab.TypeAsync(backend, vm.Id, "cat /sys/class/dmi/id/product_serial");
            await lab.WaitForConsoleAsync(vm.Id, "ds=nocloud;i=i-1;h=web.example.org");
            return;
        }

        var (machine, config) = backend.Table.Require(vm.Id);
        var devices = await backend.Table.AskAsync(machine, config, async client => await client.QueryBlockAsync(Token), Token);
        var seed = devices.Single(device => device.Inserted is { NodeName: "hv-seed" });
        Assert.Equal(delivery == "cd", seed.Removable);
        Assert.True(seed.Inserted!.Ro);
    }

    [Theory(Timeout = 180_000)]
    [Feature("CLI-05")]
    [InlineData("disk", "/dev/vdb")]
    [InlineData("cd", null)]
    [InlineData("smbios", null)]
    public async Task What_was_given_is_deleted_when_the_caller_wants_that_while_the_guest_runs_and_with_the_machine(string delivery, string? device)
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("web", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(16)) }));
        spec.CloudInit = new CloudInitData { Delivery = delivery, UserData = delivery == "smbios" ? null : "#cloud-config\n# " + Canary + "\n" };
        var vm = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        string machine = Path.Combine(lab.StateDirectory, "vms", vm.Id.ToString());
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
        // This guest has no driver for IDE: what is in that drive, QEMU says.
        Assert.Equal(delivery == "cd", await IsInDriveAsync());
        if (device is not null)
            Assert.Equal("cidata", await QemuLab.ShellAsync(backend, vm.Id, $"dd if={device} bs=1 skip=32808 count=6 2>/dev/null"));

        // A snapshot would come back to what is not there any more.
        var snapshots = backend.Get<ISnapshots>();
        await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("first") }, null, Token).WaitForCompletionAsync(Token);
        Assert.Contains("'first'", Assert.Single((await hypervisor.PlanAsync(vm.Id, s_remove, Token)).Steps).Impossible, StringComparison.Ordinal);
        await snapshots.DeleteAsync(vm.Id, SnapshotName.Parse("first"), null, Token).WaitForCompletionAsync(Token);

        var plan = await hypervisor.PlanAsync(vm.Id, s_remove, Token);
        Assert.Equal(ChangeEffects.DestroysData | (delivery == "smbios" ? ChangeEffects.AtNextStart : ChangeEffects.Live), plan.Effects);
        var changed = await hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(delivery == "smbios", changed.HasPendingChanges);
        Assert.False(await IsInDriveAsync());
        if (device is not null)
            Assert.Equal("none", await QemuLab.ShellAsync(backend, vm.Id, $"dd if={device} of=/dev/null bs=512 count=1 2>/dev/null && echo read || echo none"));
        await CrashPoints.AssertNothingOrphanedAsync(lab, backend);
        Assert.False(File.Exists(Path.Combine(machine, "cloud-init.json")));
        Assert.Empty(await FilesWithAsync(Canary, machine));
        Assert.Empty((await hypervisor.PlanAsync(vm.Id, s_remove, Token)).Steps);

        await hypervisor.StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token)).State);
        var arguments = System.Text.Json.JsonSerializer.Deserialize<string[]>((await backend.Get<INativeDocuments>().GetAsync(vm.Id, Token)).Content.Span)!;
        Assert.DoesNotContain(arguments, argument => argument.Contains("nocloud", StringComparison.Ordinal) || argument.Contains("hv-seed", StringComparison.Ordinal));
        await hypervisor.DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.False(Directory.Exists(machine));

        async Task<bool> IsInDriveAsync()
        {
            var (known, config) = backend.Table.Require(vm.Id);
            return (await backend.Table.AskAsync(known, config, async client => await client.QueryBlockAsync(Token), Token)).Any(drive => drive.Removable && drive.Inserted is not null);
        }
    }

    [Theory(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_crash_at_any_point_of_deleting_what_was_given_leaves_all_of_it_or_nothing(bool runs)
    {
        int points = await CrashPoints.RunAsync(
            "delete the seed",
            async (_, backend) =>
            {
                var created = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web", spec => spec.CloudInit = new CloudInitData { Delivery = "cd" }), null, Token).WaitForCompletionAsync(Token);
                if (runs)
                    await backend.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
                return created.Id;
            },
            static (_, backend, id) => RemoveAsync(backend, id!.Value),
            static async (lab, backend, id, finished) =>
            {
                bool isThere = backend.Services.State.ReadConfig(id!.Value.ToString())!.CloudInit is not null;
                Assert.False(finished && isThere);
                Assert.Equal(isThere, File.Exists(Path.Combine(lab.StateDirectory, "vms", id.Value.ToString(), "cloud-init.json")));
                await RemoveAsync(backend, id.Value);
            });
        Assert.True(points > 3, $"{points} points");
    }

    private static readonly InstanceChange s_remove = new() { RemoveCloudInit = true };

    private static async Task RemoveAsync(QemuBackend backend, InstanceId id)
    {
        var plan = await backend.Get<IHypervisor>().PlanAsync(id, s_remove, Token);
        await backend.Get<IHypervisor>().ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_cannot_be_delivered_is_refused_by_its_field_and_nothing_is_made()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        foreach (var (data, field) in new[]
        {
            (new CloudInitData { Delivery = "floppy" }, "cloudInit.delivery"),
            (new CloudInitData { Delivery = "smbios", UserData = "#cloud-config\n" }, "cloudInit.delivery"),
            (new CloudInitData { HostName = "web,serial=x" }, "cloudInit.hostName"),
            (new CloudInitData { InstanceDataId = "a;h=b" }, "cloudInit.instanceDataId"),
            (new CloudInitData { UserData = "swordfish" }, "cloudInit.userData"),
        })
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web", spec => spec.CloudInit = data), null, Token));
            Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (refused.Code, refused.Outcome));
            Assert.Equal([field], refused.FieldErrors!.Keys);
            Assert.DoesNotContain("swordfish", refused.Message, StringComparison.Ordinal);
        }

        Assert.Empty(CrashPoints.Names(lab.StateDirectory, "vms"));
    }
}
