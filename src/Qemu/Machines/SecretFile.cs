using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Processes;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>A secret in a file that is only in memory and has no name: what QEMU inherits instead of an argument.</summary>
[SupportedOSPlatform("linux")]
internal static class SecretFile
{
    private const uint CloseOnExec = 1;

    /// <summary>Asks for the secret now, so that one that was changed meanwhile is the new one.</summary>
    /// <exception cref="HypervisorException">There is none of that name, or nobody keeps secrets.</exception>
    public static async Task<SafeFileHandle> OpenAsync(QemuServices services, SecretReference reference, CancellationToken cancellationToken)
    {
        var secret = (await DiskKeys.GetAsync(services, reference, cancellationToken).ConfigureAwait(false))!;
        int descriptor = Native.CreateMemoryFile("secret", CloseOnExec);
        if (descriptor < 0)
            throw Native.Failure("Making a file in memory");
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(file, secret.Reveal(), 0);
        return file;
    }
}
