using System.Collections;
using System.Reflection;
using Hypervisor.Sdk.Libvirt.Driver;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>A copy of a request has all of it: what a spec is given one day is not left out here.</summary>
public sealed class SpecCopyTests
{
    /// <summary>What is refused before a copy is made, and so is not in it.</summary>
    private static readonly string[] s_refused = [nameof(VirtualMachineSpec.Placement), nameof(InstanceSpec.Extensions), nameof(VirtualMachineSpec.PassthroughDevices)];

    [Fact]
    public void A_copy_of_a_spec_has_every_member_of_it()
    {
        var spec = new VirtualMachineSpec
        {
            Name = InstanceName.Parse("n"), Description = "d", Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(64)), Boot = new BootSource.NetworkBoot(), Architecture = Architecture.Parse("riscv64"), Firmware = Firmware.Uefi, CpuModel = "m",
            GuestOs = "g", Tpm = true, CloudInit = new CloudInitData { UserData = "u" },
        };
        spec.Labels["k"] = "v";
        spec.Disks.Add(NewDisk());
        spec.Networks.Add(NewNetwork());
        HasAll(spec, SpecCopy.Of(spec));
    }

    [Fact]
    public void A_copy_of_a_change_has_every_member_of_it()
    {
        var change = new InstanceChange
        {
            Name = InstanceName.Parse("n"), Description = "d", Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(64)), MemoryTarget = ByteSize.FromMiB(32), CpuLimit = 1.5, MemoryLimit = ByteSize.FromMiB(16), RemoveCloudInit = true,
        };
        change.AddDisks.Add(NewDisk());
        change.AddMounts.Add(new MountSpec { Target = "/srv", Source = new DiskContent.Existing(VolumeId.Parse("pool/v")), ReadOnly = true });
        change.AddNetworks.Add(NewNetwork());
        change.ResizeDisks[DeviceId.Parse("vda")] = ByteSize.FromMiB(8);
        change.LimitDisks[DeviceId.Parse("vda")] = new DiskLimits { Total = new DiskRate { OperationsPerSecond = 5 } };
        change.ChangeMedia[DeviceId.Parse("hda")] = "x.iso";
        change.RemoveDevices.Add(DeviceId.Parse("vdb"));
        change.Labels["k"] = null;
        HasAll(change, SpecCopy.Of(change));
    }

    private static DiskSpec NewDisk() => new()
    {
        Content = new DiskContent.Blank(ByteSize.FromMiB(4)), Id = DeviceId.Parse("vda"), Bus = "scsi", Serial = "s", ReadOnly = true, Disposal = DiskDisposal.DeletedWithInstance, Passphrase = new SecretReference("a"),
        Limits = new DiskLimits { Read = new DiskRate { OperationsPerSecond = 7 } }, Discard = false, DetectZeroes = ZeroDetection.Discard,
    };

    private static NetworkSpec NewNetwork() => new() { Network = "w", Id = DeviceId.Parse("nic"), Mac = MacAddress.Parse("52:54:00:00:00:01"), Addresses = { Cidr.Parse("10.0.0.2/24") } };

    /// <summary>Each member differs from its default, so that one that is left out is seen; and the copy's is equal.</summary>
    private static void HasAll(object original, object copy)
    {
        foreach (var member in original.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(member => !s_refused.Contains(member.Name)))
        {
            object? value = member.GetValue(original);
            Assert.False(value is null or ICollection { Count: 0 } || (value.GetType().IsValueType && member.Name != nameof(DiskSpec.Discard) && value.Equals(Activator.CreateInstance(value.GetType()))), $"{original.GetType().Name}.{member.Name} has its default in this test: give it another value, and copy it in SpecCopy.");
            IsSame($"{original.GetType().Name}.{member.Name}", value, member.GetValue(copy));
        }
    }

    private static void IsSame(string member, object value, object? copied)
    {
        if (value is IEnumerable items and not string)
        {
            var (expected, actual) = (items.Cast<object>().ToList(), ((IEnumerable)copied!).Cast<object>().ToList());
            Assert.True(expected.Count == actual.Count, $"{member} is not in the copy.");
            for (int i = 0; i < expected.Count; i++)
                IsSame(member, expected[i], actual[i]);
        }
        else if (value is DiskSpec or NetworkSpec or MountSpec)
        {
            HasAll(value, copied!);
        }
        else
        {
            Assert.True(Equals(value, copied), $"{member} is {value} and in the copy {copied ?? "null"}.");
        }
    }
}
