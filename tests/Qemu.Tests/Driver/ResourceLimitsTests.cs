using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
public sealed class ResourceLimitsTests
{
    [Fact]
    public void A_parent_group_of_somebody_else_in_which_none_can_be_made_limits_nothing()
    {
        using var root = new TempDirectory();
        foreach (string controller in (string[])["memory", "cpu"])
            Directory.CreateDirectory(root[controller]);
        Assert.Null(ResourceLimits.Probe(wanted: true, root.Path).Problem);
        Assert.Empty(Directory.EnumerateFileSystemEntries(root["memory/hypervisor-sdk"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(root["cpu/hypervisor-sdk"]));

        // Nobody makes directories in /proc, root neither.
        Directory.Delete(root["cpu/hypervisor-sdk"]);
        File.CreateSymbolicLink(root["cpu/hypervisor-sdk"], "/proc");
        Assert.Contains("cannot be made", ResourceLimits.Probe(wanted: true, root.Path).Problem, StringComparison.Ordinal);
    }
}
