using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Makes what cloud-init in a guest reads: a small read-only disk, a CD, or a few words in the serial number of the machine.</summary>
[SupportedOSPlatform("linux")]
internal static class SeedMaker
{
    /// <summary>The name of the image among the machine's disks; no disk can have it, for ids do not begin so.</summary>
    public const string File = "hv-seed.iso";

    /// <summary>The id of the device, and of its node.</summary>
    public const string Device = DeviceSlots.Seed;

    /// <summary>The device as a disk is described, with no image: to take it out.</summary>
    public static DiskConfig AsDisk(CloudInitConfig seed) => new() { Id = Device, Bus = seed.Delivery, Format = ImageFormat.Raw, ReadOnly = true, IsCd = seed.Delivery == CloudInitConfig.Cd };

    /// <summary>Deletes the image and the documents. Can be done again.</summary>
    public static void Delete(MachineChange change)
    {
        foreach (string path in (string[])[StateDirectory.Disk(change.Id, File), StateDirectory.CloudInitFile(change.Id)])
        {
            if (change.Root.Find(path) is not null)
                change.Root.Delete(path);
        }
    }

    /// <summary>What a request asks for, checked: nothing is made yet.</summary>
    public static CloudInitConfig? Plan(CloudInitData? data, Guid uuid, string name, QemuArchitecture platform)
    {
        if (data is null)
            return null;
        CloudInitSeed.Check(data);
        string delivery = data.Delivery == "auto" ? CloudInitConfig.Disk : data.Delivery;
        if (delivery is not (CloudInitConfig.Disk or CloudInitConfig.Cd or CloudInitConfig.Smbios))
            throw SpecProblem.Invalid("cloudInit.delivery", $"'{DiskMaker.Echo(data.Delivery)}' is not a way here: auto, {CloudInitConfig.Disk}, {CloudInitConfig.Cd}, {CloudInitConfig.Smbios}");
        if (delivery == CloudInitConfig.Smbios && !platform.IsPc)
            throw SpecProblem.Unsupported("cloudInit.delivery", $"{platform.Name} machines tell no serial number here");
        if (delivery == CloudInitConfig.Smbios && (data.UserData ?? data.NetworkConfig ?? data.VendorData) is not null)
            throw SpecProblem.Invalid("cloudInit.delivery", "a serial number has room for the host name and the instance id, not for documents");
        if (delivery == CloudInitConfig.Cd && !platform.IsPc && !platform.HasExtras)
            throw SpecProblem.Unsupported("cloudInit.delivery", $"{platform.Name} machines have no CD here");
        return new CloudInitConfig { Delivery = delivery, InstanceId = data.InstanceDataId ?? uuid.ToString("D"), HostName = data.HostName ?? HostNameOf(name) };
    }

    /// <summary>The same for a clone: another machine, with a host name of its own.</summary>
    public static CloudInitConfig? PlanClone(CloudInitConfig? source, Guid uuid, string name) =>
        source is null ? null : source with { InstanceId = uuid.ToString("D"), HostName = HostNameOf(name) };

    /// <summary>A copy that stays as it is while the caller's own may change.</summary>
    public static CloudInitData? Copy(CloudInitData? data) => data is null ? null : new CloudInitData
    {
        InstanceDataId = data.InstanceDataId,
        HostName = data.HostName,
        UserData = data.UserData,
        NetworkConfig = data.NetworkConfig,
        VendorData = data.VendorData,
        Delivery = data.Delivery,
    };

    /// <summary>Keeps the documents, for clones, and makes the image.</summary>
    public static void Make(MachineChange change, MachineConfig config, CloudInitData data)
    {
        var seed = config.CloudInit!;
        change.Progress.Say("making the seed of cloud-init");
        change.Services.State.WriteCloudInit(change.Id, data);
        if (seed.Delivery == CloudInitConfig.Smbios)
            return;
        byte[] image = CloudInitSeed.Create(new CloudInitData { InstanceDataId = seed.InstanceId, HostName = seed.HostName, UserData = data.UserData, NetworkConfig = data.NetworkConfig, VendorData = data.VendorData }, seed.InstanceId, seed.HostName, config.CreatedAt);
        string path = StateDirectory.Disk(change.Id, File);
        using var file = change.Root.CreateFile(path);
        change.Root.Write(file, image, 0, path);
        change.Root.FlushFile(file, path);
    }

    /// <summary>Makes the seed of a clone from what its source was given.</summary>
    public static void MakeClone(MachineChange change, MachineConfig config, string sourceId)
    {
        if (config.CloudInit is null)
            return;
        var data = change.Services.State.ReadCloudInit(sourceId)
            ?? throw new HypervisorException($"What cloud-init was given in '{sourceId}' is not there any more ({StateDirectory.CloudInitFile(sourceId)}).", ErrorCode.Unspecified, RequestOutcome.Rejected) { Resource = $"instance {sourceId}" };
        Make(change, config, data);
    }

    /// <summary>A name of a machine as a host name (RFC 1123), whose parts are shorter and do not end with '-'.</summary>
    private static string HostNameOf(string name) =>
        string.Join('.', name.Split('.').Select(label => label[..Math.Min(63, label.Length)].Trim('-')).Where(label => label.Length > 0)) is { Length: > 0 } host ? host : "machine";
}
