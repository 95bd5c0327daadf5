using System.Globalization;
using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Backup;

/// <summary>The checkpoints that backups of a guest's disks have left.</summary>
internal sealed class GuestDisks : GuestPart
{
    private readonly Dictionary<string, Dictionary<DeviceId, long>> _checkpoints = new(StringComparer.Ordinal);
    private long _last;

    /// <summary>How often the guest has written to one of its disks.</summary>
    public long Writes => (long)(Guest.CpuSecondsEver * Math.Max(1, Guest.Instance.Config.Cpus) * Guest.Load.DiskBytesPerCpuSecond / 2 / DiskHistory.BlockBytes / Math.Max(1, Guest.Instance.Config.Disks.Count));

    public DiskHistory HistoryOf(DiskConfig disk) => new(Guest.LoadSeed ^ (ulong)StableHash(disk.Id.ToString()), disk.GuestBytes, disk.Volume is null ? 0 : disk.ImageBytes > 0 ? disk.ImageBytes : 0);

    public Dictionary<DeviceId, long>? Find(string checkpoint) => _checkpoints.GetValueOrDefault(checkpoint);

    public string Keep(Dictionary<DeviceId, long> writes)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"checkpoint-{++_last}");
        _checkpoints.Add(name, writes);
        return name;
    }

    /// <summary>The disks are not what they were when the checkpoints were kept: they went back to a snapshot.</summary>
    public void Forget() => _checkpoints.Clear();

    private static long StableHash(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in text)
            hash = unchecked((hash ^ c) * 1099511628211);
        return (long)hash;
    }
}
