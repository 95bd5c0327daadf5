using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Hypervisor.Sdk.Testing.Lxd;

/// <summary>An image of 1 MB: busybox with its programs as links, and an init that starts no more than a shell on the console.</summary>
public static class BusyboxImage
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>The moment that all in the image is of: images with one name are equal to the byte, so that whoever needs two that differ gives two names, and not two seconds.</summary>
    private static readonly DateTimeOffset s_made = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    public static async Task<byte[]> MakeAsync(string name, CancellationToken cancellationToken)
    {
        string busybox = RealPeer.Program("busybox");
        using var memory = new MemoryStream();
        await using (var zip = new GZipStream(memory, CompressionLevel.Fastest, leaveOpen: true))
        await using (var tar = new TarWriter(zip, TarEntryFormat.Ustar))
        {
            Text(tar, "metadata.yaml", $"architecture: x86_64\ncreation_date: {s_made.ToUnixTimeSeconds()}\nproperties:\n  description: {name}\n  os: busybox\n  release: '1'\n"
                + "templates:\n  /etc/seed-user:\n    when: [create, copy]\n    template: user.tpl\n  /etc/seed-meta:\n    when: [create, copy]\n    template: meta.tpl\n");
            foreach (string directory in new[] { "templates", "rootfs", "rootfs/bin", "rootfs/sbin", "rootfs/etc", "rootfs/proc", "rootfs/sys", "rootfs/dev", "rootfs/root", "rootfs/tmp", "rootfs/run", "rootfs/var" })
                tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, directory) { Mode = Executable, ModificationTime = s_made });
            await using (var program = File.OpenRead(busybox))
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "rootfs/bin/busybox") { Mode = Executable, ModificationTime = s_made, DataStream = program });
            foreach (string applet in await AppletsAsync(busybox, cancellationToken))
                tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, $"rootfs/bin/{applet}") { LinkName = "busybox", Mode = Executable, ModificationTime = s_made });
            tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, "rootfs/sbin/init") { LinkName = "../bin/busybox", Mode = Executable, ModificationTime = s_made });
            // What images with cloud-init have: the documents come into the guest by templates.
            Text(tar, "templates/user.tpl", "{{ config_get(\"cloud-init.user-data\", \"none\") }}");
            Text(tar, "templates/meta.tpl", "local-hostname: {{ instance.name }}\n{{ config_get(\"user.meta-data\", \"\") }}");
            Text(tar, "rootfs/etc/inittab", "::sysinit:/etc/rc\n::respawn:/bin/sleep 100000\nconsole::respawn:/bin/sh -l\n::shutdown:/bin/sync\n");
            Text(tar, "rootfs/etc/rc", "#!/bin/sh\necho booted\nip link set lo up\n[ ! -e /sys/class/net/eth0 ] || udhcpc -i eth0 -q -n -s /etc/lease >/dev/null 2>&1 &\n");
            Text(tar, "rootfs/etc/lease", "#!/bin/sh\n[ \"$1\" != bound ] || { ip addr add \"$ip/24\" dev eth0; ip link set eth0 up; }\n");
            Text(tar, "rootfs/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n");
            Text(tar, "rootfs/etc/group", "root:x:0:\nuser:x:1000:\n");
        }

        return memory.ToArray();
    }

    private static void Text(TarWriter tar, string name, string text)
    {
        using var data = new MemoryStream(Encoding.UTF8.GetBytes(text));
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { Mode = Executable, ModificationTime = s_made, DataStream = data });
    }

    private static async Task<string[]> AppletsAsync(string busybox, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(busybox) { ArgumentList = { "--list" }, RedirectStandardOutput = true })!;
        string list = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return [.. list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(name => name != "busybox")];
    }
}
