namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Copies of what a caller hands over and may change as soon as the call has returned.</summary>
internal static class SpecCopy
{
    public static VirtualMachineSpec Of(VirtualMachineSpec spec)
    {
        var copy = new VirtualMachineSpec
        {
            Name = spec.Name, Description = spec.Description, Sizing = spec.Sizing, Boot = spec.Boot, Architecture = spec.Architecture, Firmware = spec.Firmware, CpuModel = spec.CpuModel, GuestOs = spec.GuestOs, Tpm = spec.Tpm, CloudInit = spec.CloudInit,
        };
        foreach (var label in spec.Labels)
            copy.Labels.Add(label);
        foreach (var disk in spec.Disks)
            copy.Disks.Add(Of(disk));
        foreach (var network in spec.Networks)
            copy.Networks.Add(Of(network));
        return copy;
    }

    public static ContainerSpec Of(ContainerSpec spec)
    {
        var copy = new ContainerSpec { Name = spec.Name, Image = spec.Image, Description = spec.Description, Flavor = spec.Flavor, CpuLimit = spec.CpuLimit, MemoryLimit = spec.MemoryLimit, Privileged = spec.Privileged };
        foreach (string word in spec.Entrypoint)
            copy.Entrypoint.Add(word);
        foreach (string word in spec.Command)
            copy.Command.Add(word);
        foreach (var variable in spec.Environment)
            copy.Environment.Add(variable);
        foreach (var label in spec.Labels)
            copy.Labels.Add(label);
        foreach (var network in spec.Networks)
            copy.Networks.Add(Of(network));
        return copy;
    }

    public static InstanceChange Of(InstanceChange change)
    {
        var copy = new InstanceChange { Name = change.Name, Description = change.Description, Sizing = change.Sizing, CpuLimit = change.CpuLimit, MemoryLimit = change.MemoryLimit, MemoryTarget = change.MemoryTarget, RemoveCloudInit = change.RemoveCloudInit };
        if (change.Extensions.TryGet<LibvirtDomain>(out var own))
            copy.Extensions.Set(own);
        foreach (var disk in change.AddDisks)
            copy.AddDisks.Add(Of(disk));
        foreach (var mount in change.AddMounts)
            copy.AddMounts.Add(mount is null ? mount! : new MountSpec { Target = mount.Target, Source = mount.Source, ReadOnly = mount.ReadOnly });
        foreach (var network in change.AddNetworks)
            copy.AddNetworks.Add(Of(network));
        foreach (var resize in change.ResizeDisks)
            copy.ResizeDisks.Add(resize);
        foreach (var limits in change.LimitDisks)
            copy.LimitDisks.Add(limits);
        foreach (var media in change.ChangeMedia)
            copy.ChangeMedia.Add(media);
        foreach (var device in change.RemoveDevices)
            copy.RemoveDevices.Add(device);
        foreach (var label in change.Labels)
            copy.Labels.Add(label);
        return copy;
    }

    private static DiskSpec Of(DiskSpec disk) => new()
    {
        Content = disk.Content, Id = disk.Id, Bus = disk.Bus, Serial = disk.Serial, ReadOnly = disk.ReadOnly, Disposal = disk.Disposal, Passphrase = disk.Passphrase, Limits = disk.Limits,
        Discard = disk.Discard, DetectZeroes = disk.DetectZeroes,
    };

    private static NetworkSpec Of(NetworkSpec network)
    {
        var copy = new NetworkSpec { Network = network.Network, Id = network.Id, Mac = network.Mac };
        foreach (var address in network.Addresses)
            copy.Addresses.Add(address);
        return copy;
    }
}
