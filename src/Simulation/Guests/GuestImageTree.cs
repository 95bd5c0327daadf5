using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The files that every simulated guest begins with. All guests share them until they change something.</summary>
internal static class GuestImageTree
{
    /// <summary>The tree as it is in an image that was made at a moment.</summary>
    public static GuestNode Make(DateTimeOffset at)
    {
        var tree = new GuestFileTree(GuestNode.Directory(at), 1 << 20, () => at);
        foreach (string directory in (string[])["/bin", "/dev", "/etc", "/home", "/proc", "/root", "/run", "/srv", "/tmp", "/usr/bin", "/usr/sbin", "/var/lib", "/var/log"])
            tree.MakeDirectory(directory, withParents: true);
        tree.Change("/tmp", static node => node with { Mode = (UnixFileMode)0x3FF });
        tree.Change("/root", static node => node with { Mode = (UnixFileMode)0x1C0 });
        const UnixFileMode Executable = GuestNode.DefaultDirectoryMode;
        foreach (string program in GuestPrograms.Names.Order(StringComparer.Ordinal))
            tree.Put("/bin/" + program, GuestNode.File("simulated\n"u8.ToArray(), at, Executable));
        tree.Put("/bin/sh", GuestNode.File("simulated\n"u8.ToArray(), at, Executable));
        tree.Put("/dev/null", GuestNode.File(default, at));
        tree.Put("/etc/os-release", GuestNode.File(Encoding.UTF8.GetBytes("ID=simulated\nNAME=\"Simulated Linux\"\nPRETTY_NAME=\"Simulated Linux 1\"\nVERSION_ID=1\n"), at));
        tree.Put("/etc/passwd", GuestNode.File("root:x:0:0:root:/root:/bin/sh\n"u8.ToArray(), at));
        return tree.Root;
    }
}
