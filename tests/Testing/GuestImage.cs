using System.Diagnostics;

namespace Hypervisor.Sdk.Testing;

/// <summary>
/// The small Linux guest that the tests boot: Debian's kernel with busybox and the guest agent, made once by <c>eng/guest-image</c> and cached for all
/// runs. It has a root shell on the first serial port, an agent behind the virtio port <c>org.qemu.guest_agent.0</c>, switches off on the power
/// button, uses plugged-in memory, processors, disks and cards at once, keeps <c>/dev/vda</c> mounted at <c>/data</c> (an empty disk gets a file system) and asks for an address by DHCP.
/// </summary>
public sealed class GuestImage
{
    /// <summary>The kernel command line of the quickest boot under emulation: two to three seconds from the start of QEMU to <see cref="ReadyText"/>. Append <c>hostname=NAME</c> to name the guest.</summary>
    public const string CommandLine = "console=ttyS0 quiet nokaslr tsc=reliable no_timer_check mitigations=off audit=0";

    /// <summary>What the guest prints on its console when it is up, followed by its host name, kernel, processors and memory.</summary>
    public const string ReadyText = "Hypervisor.Sdk guest is ready";

    /// <summary>How the prompt of the shell begins; the host name and the directory follow.</summary>
    public const string Prompt = "root@";

    /// <summary>The memory that the quick kernel needs at least, in bytes: 128 MiB.</summary>
    public const long MinimumMemoryBytes = 128L << 20;

    private static readonly Lazy<Task<GuestImage>> Shared = new(() => PrepareAsync("guest-image"));
    private static readonly Lazy<Task<GuestImage>> SharedWithMedia = new(() => PrepareAsync("guest-media"));

    private GuestImage(string directory) => DirectoryPath = directory;

    /// <summary>The directory that holds the files.</summary>
    public string DirectoryPath { get; }

    /// <summary>The kernel as an ELF file, which QEMU starts directly: the quickest, without a text console on the screen.</summary>
    public string KernelPath => Path.Combine(DirectoryPath, "vmlinux");

    /// <summary>The same kernel as a bzImage: half a second slower, with the text console on a VGA screen (add <c>console=tty0</c>). Needs 256 MiB.</summary>
    public string ScreenKernelPath => Path.Combine(DirectoryPath, "vmlinuz");

    /// <summary>The initial RAM disk, which is the whole system.</summary>
    public string InitrdPath => Path.Combine(DirectoryPath, "initrd");

    /// <summary>A raw disk of 64 MiB that a BIOS boots into the same guest, in five seconds. Only of <see cref="GetWithMediaAsync"/>. Needs 256 MiB; start it from a copy or an overlay.</summary>
    public string DiskPath => Path.Combine(DirectoryPath, "disk.raw");

    /// <summary>A CD image that a BIOS boots into the same guest, in six seconds. Only of <see cref="GetWithMediaAsync"/>. Needs 256 MiB.</summary>
    public string IsoPath => Path.Combine(DirectoryPath, "boot.iso");

    /// <summary>A raw disk of 64 MiB that UEFI boots into the same guest, in twelve seconds, also where signatures are checked against <see cref="UefiVariables"/>. Only of <see cref="GetWithMediaAsync"/>. Needs 256 MiB.</summary>
    public const string UefiDisk = "uefi.raw";

    /// <summary>What UEFI's variables begin as when they trust the key that signed <see cref="UefiDisk"/>, and no other.</summary>
    public const string UefiVariables = "uefi.vars";

    /// <summary>The guest, made first where the cache has none (20 seconds and 33 MB of packages). Where it cannot be made the test skips, or fails in CI.</summary>
    public static Task<GuestImage> GetAsync(CancellationToken cancellationToken) => GetAsync(Shared, cancellationToken);

    /// <summary>As <see cref="GetAsync(CancellationToken)"/>, with the disk and the CD image.</summary>
    public static Task<GuestImage> GetWithMediaAsync(CancellationToken cancellationToken) => GetAsync(SharedWithMedia, cancellationToken);

    /// <summary>
    /// The directory with the kernel (<c>vmlinuz</c>) and the initial RAM disk (<c>initrd</c>) of another architecture, made first where the cache has none (10 seconds). It has a shell on its console, says
    /// <see cref="ReadyText"/> and has neither modules nor an agent. Where it cannot be made the test skips, or fails in CI.
    /// </summary>
    public static async Task<string> GetKernelAsync(string architecture, CancellationToken cancellationToken)
    {
        try
        {
            return (await PrepareAsync("guest-kernel", architecture).WaitAsync(cancellationToken)).DirectoryPath;
        }
        catch (InvalidOperationException failure)
        {
            RealPeer.Absent(failure.Message);
            throw;
        }
    }

    /// <summary>
    /// The directory with a Debian that has cloud-init and has never booted (<c>root.raw</c>), its kernel (<c>vmlinuz</c>) and initial RAM disk (<c>initrd</c>), made first where the cache has none (two to three minutes). Where it cannot be
    /// made the test skips, or fails in CI.
    /// </summary>
    public static async Task<string> GetCloudAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await PrepareAsync("cloud-guest").WaitAsync(cancellationToken)).DirectoryPath;
        }
        catch (InvalidOperationException failure)
        {
            RealPeer.Absent(failure.Message);
            throw;
        }
    }

    private static async Task<GuestImage> GetAsync(Lazy<Task<GuestImage>> shared, CancellationToken cancellationToken)
    {
        try
        {
            return await shared.Value.WaitAsync(cancellationToken);
        }
        catch (InvalidOperationException failure)
        {
            RealPeer.Absent(failure.Message);
            throw;
        }
    }

    private static async Task<GuestImage> PrepareAsync(string script, params string[] arguments)
    {
        if (!OperatingSystem.IsLinux())
            throw new InvalidOperationException("the guest image is made on Debian only");

        var start = new ProcessStartInfo(Repository.PathOf("eng", script), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string directory = (await process.StandardOutput.ReadToEndAsync()).Trim();
        string said = (await errors).Trim();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? new GuestImage(directory)
            : throw new InvalidOperationException($"eng/{script} ended with {process.ExitCode}: {said}");
    }
}
