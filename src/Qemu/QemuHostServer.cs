using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Hosts;
using Hypervisor.Sdk.Remote;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu;

/// <summary>What the program <c>hvsdk-qemu-host</c> does on the host that has the machines: it opens the backend that the other end of a connection says, and serves it until that end is gone.</summary>
[SupportedOSPlatform("linux")]
public static class QemuHostServer
{
    /// <summary>Serves one connection until it ends. The machines run on.</summary>
    /// <param name="connection">The connection; owned. Whoever holds its other end can do what this process can: run QEMU, read and write files.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    public static Task ServeAsync(Connection connection, CancellationToken cancellationToken = default) =>
        BackendServer.ServeAsync(connection, async (opening, token) => await QemuBackend.ConnectAsync(QemuHostSettings.Read(opening.Name, opening.Settings.Span, opening.Secrets, opening.FindBackend), token).ConfigureAwait(false), QemuHostConnector.Json, cancellationToken);
}
