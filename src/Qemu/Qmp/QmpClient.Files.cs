using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <content>Open files for QEMU.</content>
public sealed partial class QmpClient
{
    /// <summary>
    /// Hands an open file to a QEMU behind a unix socket (<c>add-fd</c>), which can then open it again as <c>/proc/self/fd/N</c> with <see cref="AddfdInfo.Fd"/>. QEMU keeps it until <c>remove-fd</c>.
    /// Not beside other calls of this client.
    /// </summary>
    /// <param name="file">The file; the caller's own is still the caller's to close.</param>
    /// <param name="opaque">A note by which <c>query-fdsets</c> shows it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NotSupportedException">The connection is not a unix socket.</exception>
    /// <exception cref="HypervisorException">QEMU refuses it, or is gone.</exception>
    [SupportedOSPlatform("linux")]
    public async ValueTask<AddfdInfo> AddFileAsync(SafeHandle file, string opaque, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        // Space between two commands is nothing to QEMU, and the file that came with it is there when the next command asks for it.
        _session.SendFile(file, (byte)'\n');
        return await AddFdAsync(opaque: opaque, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Hands an open file, a listening socket perhaps, to a QEMU behind a unix socket under a name (<c>getfd</c>), by which the commands of this connection can say it (<see cref="FdSocketAddress"/>). Not beside other calls of this client.
    /// </summary>
    /// <param name="file">The file; the caller's own is still the caller's to close.</param>
    /// <param name="name">The name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NotSupportedException">The connection is not a unix socket.</exception>
    /// <exception cref="HypervisorException">QEMU refuses it, or is gone.</exception>
    [SupportedOSPlatform("linux")]
    public async ValueTask GetFileAsync(SafeHandle file, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        _session.SendFile(file, (byte)'\n');
        await GetfdAsync(name, cancellationToken).ConfigureAwait(false);
    }
}
