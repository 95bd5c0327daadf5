using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu;

/// <content>Making devices ready for machines, a whole IOMMU group at a time.</content>
public sealed partial class QemuPciDevices
{
    /// <summary>Takes a device and all others of its IOMMU group from the host's drivers and gives them to <c>vfio-pci</c>, so that a machine can have them. Bridges stay with the host. Does nothing where that is so already.</summary>
    /// <param name="address">The device's address.</param>
    /// <exception cref="HypervisorException">
    /// There is no such device or no IOMMU (<see cref="ErrorCode.Unsupported"/>), the host uses one of the group itself (a network that is up, a disk that is mounted: <see cref="ErrorCode.InvalidState"/>), this process may not
    /// (<see cref="ErrorCode.Denied"/>), or the kernel did not do it, and what was bound before is bound again.
    /// </exception>
    [SupportedOSPlatform("linux")]
    public void Bind(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        lock (_lock)
        {
            var group = GroupOf(address);
            foreach (var device in group)
            {
                if (device.Driver != BoundDriver && WhyInUse(device.Address) is { } use)
                    throw Failure(device, $"the host uses it: {use}", ErrorCode.InvalidState);
            }

            var moved = new List<QemuPciDevice>();
            try
            {
                foreach (var device in group.Where(device => device.Driver != BoundDriver))
                {
                    moved.Add(device);
                    Move(device.Address, BoundDriver);
                    if (TryRead(device.Address)?.Driver != BoundDriver)
                        throw Failure(device, $"the kernel did not give it to {BoundDriver}; is that loaded (modprobe {BoundDriver})?", ErrorCode.Unavailable);
                }
            }
            catch (Exception error) when (error is HypervisorException or IOException or UnauthorizedAccessException)
            {
                foreach (var device in moved)
                    TryMove(device.Address);
                throw error as HypervisorException ?? Failure(moved[^1], error.Message, error is UnauthorizedAccessException ? ErrorCode.Denied : ErrorCode.Unavailable, error);
            }
        }
    }

    /// <summary>Gives a device and all others of its IOMMU group back to the host's own drivers. A machine that has one keeps it from that: stop it first.</summary>
    /// <param name="address">The device's address.</param>
    /// <exception cref="HypervisorException">There is no such device or no IOMMU (<see cref="ErrorCode.Unsupported"/>), this process may not (<see cref="ErrorCode.Denied"/>), or the kernel does not (<see cref="ErrorCode.Unavailable"/>).</exception>
    [SupportedOSPlatform("linux")]
    public void Release(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        lock (_lock)
        {
            foreach (var device in GroupOf(address).Where(device => device.Driver == BoundDriver))
            {
                try
                {
                    Move(device.Address, null);
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    throw Failure(device, error.Message, error is UnauthorizedAccessException ? ErrorCode.Denied : ErrorCode.Unavailable, error);
                }
            }
        }
    }

    [SupportedOSPlatform("linux")]
    private List<QemuPciDevice> GroupOf(string address)
    {
        var all = List();
        if (all.FirstOrDefault(device => device.Address == address) is not { } wanted)
            throw Failure(new QemuPciDevice { Address = address, Model = "", Class = "" }, "this host has no PCI device of that address", ErrorCode.Unsupported);
        if (wanted.IommuGroup is not { } group)
            throw Failure(wanted, NoIommu, ErrorCode.Unsupported);
        return wanted.IsBridge ? throw Failure(wanted, "it is a bridge, which stays with the host", ErrorCode.Unsupported) : [.. all.Where(device => device.IommuGroup == group && !device.IsBridge)];
    }

    /// <summary>Has the kernel look for a device's driver anew: the one that is named, or its own.</summary>
    private void Move(string address, string? driver)
    {
        string device = Path.Combine(_root, address);
        // A line without a word lifts it.
        Write(Path.Combine(device, "driver_override"), driver ?? "");
        if (Directory.Exists(Path.Combine(device, "driver")))
            Write(Path.Combine(device, "driver", "unbind"), address);
        Write(Path.Combine(Path.GetDirectoryName(_root)!, "drivers_probe"), address);
    }

    private void TryMove(string address)
    {
        try
        {
            Move(address, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The first failure says what is wrong.
        }
    }

    private static void Write(string file, string word)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        stream.Write(System.Text.Encoding.ASCII.GetBytes(word + "\n"));
    }

    /// <summary>What the host itself does with a device that must not be taken from it; null where nothing is known.</summary>
    private string? WhyInUse(string address)
    {
        var inner = Inner(Path.Combine(_root, address), depth: 0).ToList();
        foreach (string link in inner.Where(path => Path.GetFileName(Path.GetDirectoryName(path)) == "net"))
        {
            // Documentation/ABI/testing/sysfs-class-net: what knows no better says "unknown", as the flags may (IFF_UP is 1).
            if (TryReadText(Path.Combine(link, "flags")) is { } flags && (Convert.ToInt32(flags, 16) & 1) != 0)
                return $"the network '{Path.GetFileName(link)}' is up";
        }

        var mounted = Mounted();
        foreach (string number in inner.Where(path => Path.GetFileName(path) == "dev").Select(TryReadText).OfType<string>())
        {
            if (mounted.TryGetValue(number, out string? where))
                return $"a disk of it is mounted at '{where}'";
        }

        return null;
    }

    /// <summary>What lies below a device, without following links.</summary>
    private static IEnumerable<string> Inner(string path, int depth)
    {
        const int MaxDepth = 10;
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
        {
            yield return entry.FullName;
            // The device itself is a link to where it is; those below lead elsewhere.
            if (depth < MaxDepth && entry is DirectoryInfo { LinkTarget: null })
            {
                foreach (string below in Inner(entry.FullName, depth + 1))
                    yield return below;
            }
        }
    }

    /// <summary>The block devices that are mounted, by their numbers: proc_pid_mountinfo(5), the third and the fifth field.</summary>
    private static Dictionary<string, string> Mounted() => File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')).Where(fields => fields.Length > 4)
        .GroupBy(fields => fields[2], StringComparer.Ordinal).ToDictionary(same => same.Key, same => same.First()[4], StringComparer.Ordinal);

    private static string? TryReadText(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [SupportedOSPlatform("linux")]
    private static HypervisorException Failure(QemuPciDevice device, string why, ErrorCode code, Exception? cause = null) =>
        new($"The PCI device '{Machines.DiskMaker.Echo(device.Address)}' stays as it is: {why}.", code, RequestOutcome.Rejected, cause) { Resource = $"PCI device {Machines.DiskMaker.Echo(device.Address)}" };
}
