using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>
/// Devices of a host, made ready for guests. This machine may have no IOMMU, so the host is a machine too: QEMU emulates it with Intel's IOMMU, and in it the kernel's own VFIO and this driver do what they do on real hosts. The
/// program that runs there is this one, with <see cref="PassthroughInside"/>.
/// </summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Full)]
public sealed class PassthroughTests
{
    private const string Ended = "what runs inside ended with ";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 900_000)]
    [Feature("CMP-30")]
    [InlineData(nameof(PassthroughInside.The_host_lists_its_devices_by_group_keeps_what_it_uses_and_binds_the_rest))]
    [InlineData(nameof(PassthroughInside.A_machine_of_this_host_runs_with_its_network_card_and_its_display_until_they_are_given_back))]
    public async Task An_emulated_host_hands_its_devices_over_as_its_IOMMU_allows(string what)
    {
        string qemu = RealPeer.Program("qemu-system-x86_64"), image = RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        string host = await GuestImage.GetCloudAsync(Token);
        await StageAsync(directory, what);
        await RunAsync(image, "create", "-q", "-f", "qcow2", "-b", Path.Combine(host, "root.raw"), "-F", "raw", directory["root.qcow2"]);
        string log = directory["console"];
        string[] arguments =
        [
            "-M", "q35,hpet=off,vmport=off", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-m", "2048", "-nodefaults", "-no-user-config", "-display", "none", "-serial", "file:" + log,
            "-kernel", Path.Combine(host, "vmlinuz"), "-initrd", Path.Combine(host, "initrd"),
            "-append", $"{GuestImage.CommandLine} root=LABEL=cloudimg rw intel_iommu=on init=/bin/sh -- -c \"mount /dev/vdb /mnt && exec sh /mnt/run\"",
            "-device", "intel-iommu,intremap=on", "-device", "pcie-root-port,id=port1,chassis=1", "-device", "pcie-root-port,id=port2,chassis=2",
            "-netdev", "user,id=net", "-device", $"virtio-net-pci,netdev=net,bus=port1,disable-legacy=on,iommu_platform=on,romfile=,mac={PassthroughInside.Mac}", "-device", "bochs-display,bus=port2",
            "-drive", $"file={directory["root.qcow2"]},if=none,id=root", "-device", "virtio-blk-pci,drive=root", "-drive", $"file={directory["inside.ext4"]},if=none,id=inside,format=raw", "-device", "virtio-blk-pci,drive=inside",
            "-device", "virtio-rng-pci",
        ];
        using var process = Process.Start(new ProcessStartInfo(qemu, arguments))!;
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
            while (!Read().Contains(Ended, StringComparison.Ordinal) && !process.HasExited)
                Assert.True(await timer.WaitForNextTickAsync(Token));
            string said = Read();
            TestContext.Current.TestOutputHelper?.WriteLine(said);
            Assert.True(said.Contains(Ended + "0", StringComparison.Ordinal), said[Math.Max(0, said.Length - 8000)..]);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }

        string Read()
        {
            if (!File.Exists(log))
                return "";
            using var file = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), Encoding.UTF8);
            return file.ReadToEnd();
        }
    }

    /// <summary>Makes a disk with this program and what runs it.</summary>
    private static async Task StageAsync(TempDirectory directory, string method)
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!, version = Path.GetFileName(framework), root = Path.GetFullPath(Path.Combine(framework, "..", "..", ".."));
        Copy(framework, directory[$"inside/dotnet/shared/Microsoft.NETCore.App/{version}"]);
        Copy(Path.Combine(root, "host"), directory["inside/dotnet/host"]);
        Copy(AppContext.BaseDirectory, directory["inside/tests"]);
        await File.WriteAllTextAsync(
            directory["inside/run"],
            $"""
            export PATH=/usr/sbin:/usr/bin:/sbin:/bin DOTNET_ROOT=/mnt/dotnet DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_TieredPGO=0 HOME=/root
            mount -t tmpfs tmpfs /tmp
            ip link set lo up
            modprobe virtio_net && modprobe vfio-pci
            /mnt/tests/{Path.GetFileName(Environment.ProcessPath)} -noColor -explicit only -method {typeof(PassthroughInside).FullName}.{method}
            echo "{Ended}$?"
            sleep 1000000

            """.ReplaceLineEndings("\n"),
            Token);
        await RunAsync(RealPeer.Program("mke2fs"), "-q", "-t", "ext4", "-m", "0", "-d", directory["inside"], directory["inside.ext4"], "600M");
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments))!;
        await process.WaitForExitAsync(Token);
        Assert.Equal(0, process.ExitCode);
    }
}
