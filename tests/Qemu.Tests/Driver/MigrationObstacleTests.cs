using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Everything that stands in the way of a move, told before anything of it begins.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class MigrationObstacleTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    [Feature("MIG-04")]
    public async Task An_older_target_is_named_with_the_machine_type_the_processor_model_and_the_features_that_it_lacks()
    {
        var newer = await NewerQemu.GetAsync(Token);
        await using var lab = await MigrationLab.CreateAsync(isTargetOther: true, source: options =>
        {
            (options.QemuSystem, options.QemuImg) = (newer.SystemPath, newer.ImagePath);
            foreach (string firmware in newer.FirmwareDirectories)
                options.FirmwareDirectories.Add(firmware);
        });
        var running = await lab.StartAsync(lab.Shared("most"));
        var obstacles = await ObstaclesAsync(lab, running);
        Assert.Contains(obstacles, text => text.Contains("which is older than", StringComparison.Ordinal));
        // What the emulation of the newer one can do, and the older one's cannot.
        Assert.Contains(obstacles, text => text.Contains("processor ('max')", StringComparison.Ordinal) && text.Contains("rdseed", StringComparison.Ordinal));

        var spec = QemuLab.EmptySpec("newest", spec => spec.CpuModel = "GraniteRapids");
        spec.Extensions.Set(new QemuMachine { Graphics = false, Type = "pc-i440fx-9.0" });
        obstacles = await ObstaclesAsync(lab, await CreateAsync(lab, spec));
        Assert.Contains(obstacles, text => text.Contains("no machine type 'pc-i440fx-9.0'", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("no processor model 'GraniteRapids'", StringComparison.Ordinal));
        // A feature that was asked for by name and that both emulations have is none.
        Assert.DoesNotContain(obstacles, text => text.Contains("GraniteRapids') has", StringComparison.Ordinal));
    }

    [Fact(Timeout = 120_000)]
    public async Task An_address_that_the_target_does_not_have_is_named()
    {
        // Of a network for examples in documents (RFC 5737).
        await using var lab = await MigrationLab.CreateAsync(target: options => options.Migration = new QemuMigrationOptions { Address = System.Net.IPAddress.Parse("192.0.2.7"), AllowUnencrypted = true });
        var machine = await lab.StartAsync(lab.Shared("web"));
        var obstacles = await ObstaclesAsync(lab, machine);
        Assert.Contains(obstacles, text => text.Contains("takes guests in at 192.0.2.7", StringComparison.Ordinal));
    }

    [Fact(Timeout = 180_000)]
    public async Task Whatever_of_a_machine_the_target_does_not_reach_is_named()
    {
        await using var lab = await MigrationLab.CreateAsync(target: options =>
        {
            options.ImageDirectories.Clear();
            options.AttachDirectories = ["/nowhere"];
            options.Swtpm = "no-such-swtpm";
        });
        await File.WriteAllBytesAsync(Path.Combine(lab.Lab.Images, "install.iso"), new byte[64 << 10], Token);
        var spec = lab.Shared("tied");
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(1)), ReadOnly = true });
        spec.Tpm = true;
        spec.CloudInit = new CloudInitData { HostName = "tied" };
        var machine = await CreateAsync(lab, spec);
        // There is no device of this host to give it.
        var state = lab.Source.Services.State;
        state.WriteConfig(state.ReadConfig(machine.Id.ToString())! with { HostDevices = [new HostDeviceConfig { Id = "hv-host0", Address = "0000:01:00.0" }] });
        var obstacles = await ObstaclesAsync(lab, machine);
        Assert.Contains(obstacles, text => text.Contains("devices of this host: 0000:01:00.0", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("only a machine whose QEMU runs moves", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("The disk 'disk0' is not there", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("'disk1'", StringComparison.Ordinal) && text.Contains("read-only and cannot move along", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("has no TPM for it", StringComparison.Ordinal) && text.Contains("no-such-swtpm", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("cloud-init", StringComparison.Ordinal));

        var installer = QemuLab.EmptySpec("installer", own => own.Boot = new BootSource.Iso(VolumeId.Parse("install.iso")));
        Assert.Contains(await ObstaclesAsync(lab, await CreateAsync(lab, installer)), text => text.Contains("is not there", StringComparison.Ordinal) && text.Contains("install.iso", StringComparison.Ordinal));
    }

    [Fact(Timeout = 180_000)]
    public async Task Room_memory_names_snapshots_and_backups_that_stand_in_the_way_are_named()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var huge = await CreateAsync(lab, QemuLab.EmptySpec("huge", spec => spec.Sizing = new Sizing.Explicit(1, ByteSize.FromGiB(1024))));
        Assert.Contains(await ObstaclesAsync(lab, huge), text => text.Contains("of memory left", StringComparison.Ordinal));

        string wide = Path.Combine(lab.Lab.Images, "wide.raw");
        await using (var image = File.Create(wide))
            image.SetLength(8L << 40);
        var full = await CreateAsync(lab, QemuLab.EmptySpec("full", spec => spec.Disks[0].Content = new DiskContent.FromImage("wide.raw")));
        Assert.Contains(await ObstaclesAsync(lab, full), text => text.Contains("has room for", StringComparison.Ordinal));

        await lab.Target.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("taken"), null, Token).WaitForCompletionAsync(Token);
        var taken = await lab.StartAsync(QemuLab.EmptySpec("taken"));
        Assert.Contains("of the name 'taken' already", Assert.Single(await ObstaclesAsync(lab, taken)), StringComparison.Ordinal);

        await using (await lab.Source.Get<IBackupSource>().BeginAsync(taken.Id, null, Token))
            Assert.Contains(await ObstaclesAsync(lab, taken), text => text.Contains("reads its disks", StringComparison.Ordinal));
        await lab.Source.Get<ISnapshots>().CreateAsync(taken.Id, new SnapshotSpec { Name = SnapshotName.Parse("before") }, null, Token).WaitForCompletionAsync(Token);
        Assert.Contains(await ObstaclesAsync(lab, taken), text => text.Contains("It has snapshots", StringComparison.Ordinal));
    }

    [Fact(Timeout = 180_000)]
    public async Task Firmware_networks_and_huge_pages_that_the_target_lacks_are_named()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await CreateAsync(lab, QemuLab.EmptySpec("rooted"));
        var state = lab.Source.Services.State;
        var config = state.ReadConfig(machine.Id.ToString())!;
        var before = await ObstaclesAsync(lab, machine);
        // What this host has now, and the other one would not have.
        state.WriteConfig(config with
        {
            Nvram = new NvramConfig { Firmware = "/no/such/firmware.fd", Template = "/no/such/variables.fd", SizeBytes = 1 << 20 },
            Networks = [new NetworkConfig { Id = "nic0", Network = "bridge:hv-none0", Mac = "52:54:00:00:00:01" }, new NetworkConfig { Id = "nic1", Network = "tap:hv-none1", Mac = "52:54:00:00:00:02" }],
            Machine = config.Machine with { HugePages = true },
            MemoryBytes = 1L << 40,
        });
        lab.Source.Table.Get(config.Id).Forget();
        var obstacles = (await ObstaclesAsync(lab, machine)).Except(before).ToList();
        Assert.Equal(4, obstacles.Count);
        Assert.Contains(obstacles, text => text.Contains("The firmware '/no/such/firmware.fd' is not there", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("'bridge:hv-none0' cannot be joined at 'there'", StringComparison.Ordinal) && text.Contains("no bridge 'hv-none0'", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("'tap:hv-none1' cannot be joined at 'there'", StringComparison.Ordinal) && text.Contains("no tap 'hv-none1'", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("of huge pages (vm.nr_hugepages) left", StringComparison.Ordinal));
        state.WriteConfig(config);
        lab.Source.Table.Get(config.Id).Forget();
    }

    private static async Task<IReadOnlyList<string>> ObstaclesAsync(MigrationLab lab, Instance machine) => (await lab.Source.Get<IMigration>().CheckAsync(machine.Id, MigrationLab.To, Token)).Obstacles;

    private static Task<Instance> CreateAsync(MigrationLab lab, VirtualMachineSpec spec) => lab.Source.Get<IHypervisor>().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
}
