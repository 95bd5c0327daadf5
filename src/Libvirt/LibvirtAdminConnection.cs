using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Rpc;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>
/// A connection to the administration socket of a libvirt daemon: its servers, clients, limits and logging. Every procedure of the admin program is a method here. Throws what
/// <see cref="LibvirtConnection"/> throws.
/// </summary>
public sealed partial class LibvirtAdminConnection : IAsyncDisposable
{
    private readonly LibvirtSession _session;

    private LibvirtAdminConnection(LibvirtSession session) => _session = session;

    /// <summary>Where the daemon is, for messages.</summary>
    public string Endpoint => _session.Endpoint;

    /// <summary>Why the connection has ended, or null while it works.</summary>
    public HypervisorException? CloseReason => _session.CloseReason;

    /// <summary>Connects to the administration socket.</summary>
    /// <param name="socketPath">The socket file, <c>/run/libvirt/libvirt-admin-sock</c> as a rule.</param>
    /// <param name="options">Limits and time-outs; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels connecting.</param>
    /// <exception cref="BackendConnectionException">Nobody listens there.</exception>
    /// <exception cref="LibvirtException">The daemon refused.</exception>
    public static async Task<LibvirtAdminConnection> ConnectAsync(string socketPath, LibvirtOptions? options = null, CancellationToken cancellationToken = default)
    {
        var validated = (options ?? new LibvirtOptions()).Validated();
        Connection connection;
        try
        {
            connection = await Connection.ConnectUnixAsync(
                socketPath, new ConnectionOptions { ConnectTimeout = validated.ConnectTimeout, TimeProvider = validated.TimeProvider }, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectException error)
        {
            throw LibvirtErrors.NotConnected(error);
        }

        var session = new LibvirtSession(connection, validated);
        session.Start();
        try
        {
            var admin = new LibvirtAdminConnection(session);
            await admin.ConnectOpenAsync(0, cancellationToken).ConfigureAwait(false);
            return admin;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes the connection. May be called again, and never throws.</summary>
    public ValueTask DisposeAsync() => _session.DisposeAsync();

    private ValueTask<T> CallAsync<TArguments, T>(LibvirtProcedure procedure, TArguments arguments, XdrRead<T> read, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments> => _session.CallAsync(procedure, arguments, read, null, _session.Options.CallTimeout, cancellationToken);

    private ValueTask CallAsync<TArguments>(LibvirtProcedure procedure, TArguments arguments, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments> => _session.CallAsync(procedure, arguments, _session.Options.CallTimeout, cancellationToken);
}
