using System.Diagnostics;

namespace Hypervisor.Sdk.Testing;

/// <summary>A second QEMU, newer than the installed one: that of Debian 12's backports, unpacked once by <c>eng/newer-qemu</c>, never installed, and cached for all runs.</summary>
public sealed class NewerQemu
{
    private static readonly Lazy<Task<NewerQemu>> Shared = new(PrepareAsync);
    private readonly string _directory;

    private NewerQemu(string directory) => _directory = directory;

    /// <summary>The system emulator.</summary>
    public string SystemPath => Path.Combine(_directory, "bin", "qemu-system-x86_64");

    /// <summary>The tool for disk images.</summary>
    public string ImagePath => Path.Combine(_directory, "bin", "qemu-img");

    /// <summary>The firmware of that version, in the order in which it is looked for.</summary>
    public IReadOnlyList<string> FirmwareDirectories => [Path.Combine(_directory, "share", "qemu"), Path.Combine(_directory, "share", "seabios"), Path.Combine(_directory, "ipxe")];

    /// <summary>The second QEMU, unpacked first where the cache has none (12 seconds and 30 MB of packages and lists). Where it cannot be had the test skips, or fails in CI.</summary>
    public static async Task<NewerQemu> GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await Shared.Value.WaitAsync(cancellationToken);
        }
        catch (InvalidOperationException failure)
        {
            RealPeer.Absent(failure.Message);
            throw;
        }
    }

    private static async Task<NewerQemu> PrepareAsync()
    {
        if (!OperatingSystem.IsLinux())
            throw new InvalidOperationException("the second QEMU is unpacked on Debian 12 only");

        var start = new ProcessStartInfo(Repository.PathOf("eng", "newer-qemu")) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string directory = (await process.StandardOutput.ReadToEndAsync()).Trim();
        string said = (await errors).Trim();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? new NewerQemu(directory)
            : throw new InvalidOperationException($"eng/newer-qemu ended with {process.ExitCode}: {said}");
    }
}
