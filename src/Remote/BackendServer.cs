using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Wire;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote;

/// <summary>Serves a backend to another process: what a <see cref="RemoteBackend"/> connects to.</summary>
public static class BackendServer
{
    /// <summary>
    /// Serves one connection until it ends: opens a backend for it, carries out what it is called for, and disposes the backend. When the connection is lost, what was under way is cancelled as if its callers had; work that a
    /// backend has begun goes on as it does when a client is gone.
    /// </summary>
    /// <param name="connection">The connection; owned. Whoever holds its other end can do whatever the backend can: who that may be is decided by whoever made the connection.</param>
    /// <param name="open">Opens the backend, once, when the other end has said what it wants. What it throws is told to the other end, and ends the connection.</param>
    /// <param name="json">The form of the model, with the extensions of specs that the backend knows; the other end must know the same. The model without any when null.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    public static async Task ServeAsync(Connection connection, Func<BackendOpening, CancellationToken, Task<IBackend>> open, ModelJson? json = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(open);
        var served = new ServedConnection(connection, open, new WireJson(json ?? ModelJson.Default));
        await using (served.ConfigureAwait(false))
            await served.RunAsync(cancellationToken).ConfigureAwait(false);
    }
}
