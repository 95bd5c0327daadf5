using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Tests.Changes;

/// <summary>What a change takes, as a table: no QEMU, no files.</summary>
[SupportedOSPlatform("linux")]
public sealed class ChangePlannerTests
{
    private const bool Running = true;
    private const bool Stopped = false;

    /// <summary>A change; what its plan is while the machine runs, and while it does not.</summary>
    private static readonly Dictionary<string, (Action<InstanceChange> Change, string WhileRunning, string WhileStopped)> s_table = new()
    {
        ["nothing"] = (_ => { }, "", ""),
        ["what is so already"] = (
            change =>
            {
                change.Name = InstanceName.Parse("web");
                change.Description = "a machine";
                change.Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(512)) { MaxCpus = 4 };
                change.Labels["tier"] = "front";
                change.Labels["other"] = null;
                change.Extensions.Set(new QemuMachine());
                change.ResizeDisks[DeviceId.Parse("disk0")] = ByteSize.FromMiB(16);
            }, "", ""),
        ["name"] = (change => change.Name = InstanceName.Parse("db"), "name: web -> db [Live]", "name: web -> db [Live]"),
        ["a name that is taken"] = (
            change => change.Name = InstanceName.Parse("taken"),
            "name: web -> taken [Live] impossible: There is a machine of the name 'taken' already.", "name: web -> taken [Live] impossible: There is a machine of the name 'taken' already."),
        ["description"] = (change => change.Description = null, "description: a machine ->  [Live]", "description: a machine ->  [Live]"),
        ["labels"] = (
            change =>
            {
                change.Labels["tier"] = null;
                change.Labels["zone"] = "b";
            }, "labels: tier=front -> zone=b [Live]", "labels: tier=front -> zone=b [Live]"),
        ["CPUs and memory"] = (
            change => change.Sizing = new Sizing.Explicit(3, ByteSize.FromMiB(768)),
            "cpus: 2 of at most 4 -> 3 of at most 4 [AtNextStart]\nmemory: 512MiB -> 768MiB [AtNextStart]", "cpus: 2 of at most 4 -> 3 of at most 4 [Live]\nmemory: 512MiB -> 768MiB [Live]"),
        ["machine"] = (
            change => change.Extensions.Set(new QemuMachine { Graphics = false }),
            "machine: pc, a screen, a random device, an agent channel, images linked -> pc, no screen, a random device, an agent channel, images linked [AtNextStart]",
            "machine: pc, a screen, a random device, an agent channel, images linked -> pc, no screen, a random device, an agent channel, images linked [Live]"),
        ["a virtio disk"] = (change => change.AddDisks.Add(Blank("data")), "disk:data:  -> 8MiB on virtio [Live]", "disk:data:  -> 8MiB on virtio [Live]"),
        ["a disk without an id"] = (change => change.AddDisks.Add(Blank(null)), "disk:disk2:  -> 8MiB on virtio [Live]", "disk:disk2:  -> 8MiB on virtio [Live]"),
        ["a disk on another bus"] = (
            change => change.AddDisks.Add(Blank("data", "sata")),
            "disk:data:  -> 8MiB on sata (at the next start: the bus 'sata' takes no disks while the machine runs) [AtNextStart]", "disk:data:  -> 8MiB on sata [Live]"),
        ["a disk of somebody else's"] = (
            change => change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Attached(new VolumeAttachment.File("/srv/a.raw", "raw")) }),
            "disk:data:  -> 0B on virtio, /srv/a.raw [Live]", "disk:data:  -> 0B on virtio, /srv/a.raw [Live]"),
        ["limits"] = (
            change => change.LimitDisks[DeviceId.Parse("disk0")] = new DiskLimits { Total = new DiskRate { OperationsPerSecond = 100 }, Write = new DiskRate { BytesPerSecond = ByteSize.FromMiB(1), BurstBytesPerSecond = ByteSize.FromMiB(2), BurstLength = TimeSpan.FromSeconds(5) } },
            "disk:disk0.limits:  -> total 100 requests/s; write 1MiB/s (2MiB/s for 5 s) [Live]", "disk:disk0.limits:  -> total 100 requests/s; write 1MiB/s (2MiB/s for 5 s) [Live]"),
        ["no limits, of a disk that has none"] = (change => change.LimitDisks[DeviceId.Parse("disk0")] = null, "", ""),
        ["another CD"] = (change => change.ChangeMedia[DeviceId.Parse("drive")] = "b.iso", "disk:drive.image: /iso/a.iso -> /iso/b.iso [Live]", "disk:drive.image: /iso/a.iso -> /iso/b.iso [Live]"),
        ["no CD"] = (change => change.ChangeMedia[DeviceId.Parse("drive")] = null, "disk:drive.image: /iso/a.iso ->  [Live]", "disk:drive.image: /iso/a.iso ->  [Live]"),
        ["the same CD"] = (change => change.ChangeMedia[DeviceId.Parse("drive")] = "a.iso", "", ""),
        ["a disk upon an image elsewhere"] = (
            change => change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.FromImage("base.raw") }),
            "disk:data:  -> 0B on virtio (at the next start: a running QEMU has no way to the images below it) [AtNextStart]", "disk:data:  -> 0B on virtio [Live]"),
        ["removing a disk"] = (
            change => change.RemoveDevices.Add(DeviceId.Parse("disk0")), "disk:disk0: 16MiB on virtio ->  [Live, DestroysData]", "disk:disk0: 16MiB on virtio ->  [Live, DestroysData]"),
        ["removing a disk that a snapshot needs"] = (
            change => change.RemoveDevices.Add(DeviceId.Parse("held")),
            "disk:held: 16MiB on virtio ->  [Live] impossible: The disk is needed by the snapshots 'one', 'two': delete what holds it first.",
            "disk:held: 16MiB on virtio ->  [Live] impossible: The disk is needed by the snapshots 'one', 'two': delete what holds it first."),
        ["removing somebody else's disk from a bus that does not let it go"] = (
            change => change.RemoveDevices.Add(DeviceId.Parse("disk1")),
            "disk:disk1: 32MiB on ide, /srv/b.raw ->  [Live] impossible: A disk on the bus 'ide' cannot be taken from a running machine here: stop it first.", "disk:disk1: 32MiB on ide, /srv/b.raw ->  [Live]"),
        ["removing a disk that waits for the next start"] = (
            change => change.RemoveDevices.Add(DeviceId.Parse("waits")), "disk:waits: 16MiB on sata ->  [Live, DestroysData]", "disk:waits: 16MiB on sata ->  [Live, DestroysData]"),
        ["a larger disk"] = (
            change => change.ResizeDisks[DeviceId.Parse("disk0")] = ByteSize.FromMiB(64), "disk:disk0.size: 16MiB -> 64MiB [Live]", "disk:disk0.size: 16MiB -> 64MiB [Live]"),
        ["a smaller disk"] = (
            change => change.ResizeDisks[DeviceId.Parse("disk0")] = ByteSize.FromMiB(8),
            "disk:disk0.size: 16MiB -> 8MiB [Live] impossible: It is 16MiB; smaller would cut off data that only the guest knows.",
            "disk:disk0.size: 16MiB -> 8MiB [Live] impossible: It is 16MiB; smaller would cut off data that only the guest knows."),
        ["a larger disk of somebody else's"] = (
            change => change.ResizeDisks[DeviceId.Parse("disk1")] = ByteSize.FromMiB(64),
            "disk:disk1.size: 32MiB -> 64MiB [AtNextStart] impossible: It is not the machine's own: make it larger where it is kept.",
            "disk:disk1.size: 32MiB -> 64MiB [Live] impossible: It is not the machine's own: make it larger where it is kept."),
        ["a larger disk that waits for the next start"] = (
            change => change.ResizeDisks[DeviceId.Parse("waits")] = ByteSize.FromMiB(64), "disk:waits.size: 16MiB -> 64MiB [Live]", "disk:waits.size: 16MiB -> 64MiB [Live]"),
        ["a user-mode network"] = (change => change.AddNetworks.Add(new NetworkSpec { Network = "user" }), "network:net1:  -> user [Live]", "network:net1:  -> user [Live]"),
        ["a bridged network"] = (
            change => change.AddNetworks.Add(new NetworkSpec { Network = "bridge:br0" }),
            "network:net1:  -> bridge:br0 (at the next start: a running QEMU cannot be handed a tap) [AtNextStart]", "network:net1:  -> bridge:br0 [Live]"),
        ["removing a network device"] = (
            change => change.RemoveDevices.Add(DeviceId.Parse("net0")), "network:net0: user, 52:54:00:00:00:01 ->  [Live, InterruptsNetwork]", "network:net0: user, 52:54:00:00:00:01 ->  [Live]"),
        ["a disk in the place of another"] = (
            change =>
            {
                change.RemoveDevices.Add(DeviceId.Parse("disk0"));
                change.AddDisks.Add(Blank("disk0"));
            },
            "disk:disk0: 16MiB on virtio ->  [Live, DestroysData]\ndisk:disk0:  -> 8MiB on virtio [Live]", "disk:disk0: 16MiB on virtio ->  [Live, DestroysData]\ndisk:disk0:  -> 8MiB on virtio [Live]"),
    };

    /// <summary>What is refused, with the field or the thing that the message names.</summary>
    private static readonly Dictionary<string, (Action<InstanceChange> Change, string Code, string Field)> s_refused = new()
    {
        ["an unknown device"] = (change => change.RemoveDevices.Add(DeviceId.Parse("nope")), "not-found", "removeDevices[0]"),
        ["an unknown disk to resize"] = (change => change.ResizeDisks[DeviceId.Parse("net0")] = ByteSize.FromMiB(64), "not-found", "resizeDisks[net0]"),
        ["a device that is removed twice"] = (
            change =>
            {
                change.RemoveDevices.Add(DeviceId.Parse("disk0"));
                change.RemoveDevices.Add(DeviceId.Parse("disk0"));
            }, "invalid-argument", "removeDevices[1]"),
        ["a disk that is removed and resized"] = (
            change =>
            {
                change.RemoveDevices.Add(DeviceId.Parse("disk0"));
                change.ResizeDisks[DeviceId.Parse("disk0")] = ByteSize.FromMiB(64);
            }, "invalid-argument", "resizeDisks[disk0]"),
        ["a size that no disk has"] = (change => change.ResizeDisks[DeviceId.Parse("disk0")] = new ByteSize(100_000_001), "invalid-argument", "resizeDisks[disk0]"),
        ["an id that is taken"] = (change => change.AddDisks.Add(Blank("net0")), "invalid-argument", "addDisks[0].id"),
        ["an id that is given twice"] = (
            change =>
            {
                change.AddDisks.Add(Blank("data"));
                change.AddNetworks.Add(new NetworkSpec { Network = "user", Id = DeviceId.Parse("data") });
            }, "invalid-argument", "addNetworks[0].id"),
        ["an id that QEMU still has"] = (change => change.AddDisks.Add(Blank("ghost")), "invalid-argument", "addDisks[0].id"),
        ["too many disks"] = (
            change =>
            {
                for (int i = 0; i < 21; i++)
                    change.AddDisks.Add(Blank(null));
            }, "invalid-argument", "addDisks"),
        ["too many network devices"] = (
            change =>
            {
                for (int i = 0; i < 8; i++)
                    change.AddNetworks.Add(new NetworkSpec { Network = "user" });
            }, "invalid-argument", "addNetworks"),
        ["no CPU"] = (change => change.Sizing = new Sizing.Explicit(0, ByteSize.FromMiB(64)), "invalid-argument", "sizing.cpus"),
        ["too little memory"] = (change => change.Sizing = new Sizing.Explicit(1, ByteSize.FromKiB(64)), "invalid-argument", "sizing.memory"),
        ["a named size"] = (change => change.Sizing = new Sizing.Type("large"), "unsupported", "sizing"),
        ["our own labels"] = (change => change.Labels["hvsdk.owner"] = "me", "invalid-argument", "labels"),
        ["removing our own labels"] = (change => change.Labels["hvsdk.owner"] = null, "invalid-argument", "labels"),
        ["a long description"] = (change => change.Description = new string('x', 5000), "invalid-argument", "description"),
        ["a mount of containers"] = (change => change.AddMounts.Add(new MountSpec { Target = "/srv", Source = new DiskContent.Existing(VolumeId.Parse("v")) }), "unsupported", "addMounts"),
        ["a limit of containers"] = (change => change.CpuLimit = 2.0, "unsupported", "cpuLimit"),
        ["a machine type that there is not"] = (change => change.Extensions.Set(new QemuMachine { Type = "isapc" }), "invalid-argument", "extensions.qemu.type"),
    };

    public static TheoryData<string> Plans => [.. s_table.Keys];

    public static TheoryData<string> Refusals => [.. s_refused.Keys];

    [Theory]
    [MemberData(nameof(Plans))]
    public void The_plan_tells_every_step_with_its_effects(string name)
    {
        var (change, whileRunning, whileStopped) = s_table[name];
        Assert.Equal(whileRunning, Text(Plan(change, Running)));
        Assert.Equal(whileStopped, Text(Plan(change, Stopped)));
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_cannot_be_is_refused_with_its_field(string name)
    {
        var (change, code, field) = s_refused[name];
        var refused = Assert.Throws<HypervisorException>(() => Plan(change, Running));
        Assert.Equal((code, code == "not-found" ? RequestOutcome.Rejected : RequestOutcome.NotSent), (refused.Code.ToString(), refused.Outcome));
        Assert.Contains(field, refused.FieldErrors!.Keys);
    }

    [Fact]
    public void A_template_keeps_its_disks_and_may_be_called_otherwise()
    {
        var steps = ChangePlanner.Plan(Config() with { IsTemplate = true }, null, Facts(), Change(change =>
        {
            change.Name = InstanceName.Parse("golden");
            change.RemoveDevices.Add(DeviceId.Parse("disk0"));
            change.ResizeDisks[DeviceId.Parse("waits")] = ByteSize.FromMiB(64);
            change.AddDisks.Add(Blank("data"));
        }));
        Assert.Equal([true, false, false, false], steps.Select(step => step.Impossible is null));
    }

    [Fact]
    public void The_only_disk_of_a_machine_that_boots_from_it_stays()
    {
        var config = Config() with { Boot = new BootConfig { Kind = BootKinds.Disk }, Disks = [Config().Disks[0]] };
        var step = Assert.Single(ChangePlanner.Plan(config, null, Facts(), Change(change => change.RemoveDevices.Add(DeviceId.Parse("disk0")))));
        Assert.NotNull(step.Impossible);
    }

    [Fact]
    public void A_device_that_is_added_sits_where_the_next_start_puts_it_and_the_others_stay()
    {
        var config = DeviceSlots.Assign(Config());
        var steps = ChangePlanner.Plan(config, null, Facts(), Change(change =>
        {
            change.RemoveDevices.Add(DeviceId.Parse("disk0"));
            change.AddDisks.Add(Blank("data"));
            change.AddDisks.Add(Blank("more"));
        }));
        var after = steps.Aggregate(config, (next, step) => step.ApplyTo(next));
        Assert.Equal(after, DeviceSlots.Assign(after) with { Disks = after.Disks, Networks = after.Networks, HostDevices = after.HostDevices });
        Assert.Equal(config.Disks.First(disk => disk.Id == "disk0").Slot, after.Disks.First(disk => disk.Id == "data").Slot);
        Assert.Equal(config.Networks[0].Slot, after.Networks[0].Slot);
        int?[] slots = [.. after.Disks.Where(DeviceSlots.NeedsSlot).Select(disk => disk.Slot), .. after.Networks.Select(network => network.Slot)];
        Assert.Equal(slots.Distinct().Count(), slots.Length);
    }

    [Fact]
    public void A_PC_whose_bus_is_full_takes_no_more()
    {
        var config = Config() with { Disks = [], Networks = [.. Enumerable.Range(0, 7).Select(i => new NetworkConfig { Id = $"n{i}", Network = "user", Mac = "52:54:00:00:00:01" })] };
        var refused = Assert.Throws<HypervisorException>(() => ChangePlanner.Plan(config, null, Facts(), Change(change =>
        {
            for (int i = 0; i < 18; i++)
                change.AddDisks.Add(Blank(null));
        })));
        Assert.Contains("addDisks[17]", refused.FieldErrors!.Keys);
    }

    private static IReadOnlyList<ChangeStep> Plan(Action<InstanceChange> change, bool running)
    {
        // Of what is written down, "waits" is not in QEMU; of what QEMU has, "ghost" is not written down.
        var live = running ? new LiveDevices(new HashSet<string> { "disk0", "disk1", "held", "net0", "ghost" }, new Dictionary<string, long> { ["disk0"] = 16 << 20, ["disk1"] = 32 << 20, ["held"] = 16 << 20 }) : null;
        return ChangePlanner.Plan(Config(), live, Facts(), Change(change));
    }

    private static InstanceChange Change(Action<InstanceChange> configure)
    {
        var change = new InstanceChange();
        configure(change);
        return change;
    }

    private static string Text(IReadOnlyList<ChangeStep> steps) =>
        string.Join("\n", steps.Select(step => $"{step.Property}: {step.From} -> {step.To} [{step.Effects}]{(step.Impossible is null ? "" : $" impossible: {step.Impossible}")}"));

    private static DiskSpec Blank(string? id, string? bus = null) => new() { Id = id is null ? null : DeviceId.Parse(id), Bus = bus, Content = new DiskContent.Blank(ByteSize.FromMiB(8)) };

    private static MachineConfig Config() => new()
    {
        Id = "vm-aaaaaaaaaaaaa",
        Uuid = Guid.Empty,
        Name = "web",
        Description = "a machine",
        CreatedAt = DateTimeOffset.UnixEpoch,
        Cpus = 2,
        MaxCpus = 4,
        MemoryBytes = 512 << 20,
        Boot = new BootConfig { Kind = BootKinds.Kernel, Path = "/boot/vmlinuz" },
        Disks =
        [
            new DiskConfig { Id = "disk0", Bus = "virtio", Format = "qcow2", File = "disk0.qcow2", SizeBytes = 16 << 20, DeleteWithMachine = true },
            new DiskConfig { Id = "disk1", Bus = "ide", Format = "raw", ExternalPath = "/srv/b.raw", SizeBytes = 32 << 20 },
            new DiskConfig { Id = "held", Bus = "virtio", Format = "qcow2", File = "held.qcow2", SizeBytes = 16 << 20 },
            new DiskConfig { Id = "waits", Bus = "sata", Format = "qcow2", File = "waits.qcow2", SizeBytes = 16 << 20, DeleteWithMachine = true },
            new DiskConfig { Id = "drive", Bus = "ide", Format = "raw", ReadOnly = true, IsCd = true, ExternalPath = "/iso/a.iso", SizeBytes = 1 << 20 },
        ],
        Networks = [new NetworkConfig { Id = "net0", Network = "user", Mac = "52:54:00:00:00:01" }],
        Labels = new Dictionary<string, string> { ["tier"] = "front" },
        Machine = new QemuMachine(),
    };

    private static PlanFacts Facts() => new()
    {
        AreDisksRead = () => false,
        ReadDisk = (spec, id, _) => new DiskConfig
        {
            Id = spec.Id?.ToString() ?? id,
            Bus = spec.Bus ?? "virtio",
            Format = "qcow2",
            File = spec.Content is DiskContent.Blank ? $"{spec.Id?.ToString() ?? id}.qcow2" : null,
            ExternalPath = spec.Content is DiskContent.Attached { Attachment: VolumeAttachment.File file } ? file.Path : null,
            SizeBytes = spec.Content is DiskContent.Blank blank ? blank.Size.Bytes : 0,
            DeleteWithMachine = true,
            Backing = spec.Content is DiskContent.FromImage ? [new BackingConfig { Format = "raw", ExternalPath = "/srv/base.raw" }] : [],
        },
        FindCd = (image, _) => image is null ? default : ($"/iso/{image}", 1 << 20),
        ReadNetwork = (spec, id, _) => new NetworkConfig { Id = spec.Id?.ToString() ?? id, Network = spec.Network, Mac = "52:54:00:00:00:02" },
        ReadName = name => name.ToString(),
        IsNameTaken = name => name == "taken",
        SnapshotsWithSeed = () => [],
        SnapshotsHolding = file => file == "held.qcow2" ? ["one", "two"] : [],
    };
}
