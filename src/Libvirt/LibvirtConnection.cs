using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Rpc;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>
/// A connection to a libvirt daemon, without libvirt's C library. Thread-safe; calls are pipelined, and the procedures of the remote and qemu programs are methods under libvirt's names
/// (those that pass file descriptors are not). Arguments and results are those of the wire: see libvirt's documentation of the function of the same name.
/// </summary>
/// <remarks>
/// <para>What a call throws: <see cref="LibvirtException"/> with the daemon's own code, domain, level and strings when it says no; <see cref="HypervisorException"/> with
/// <see cref="ErrorCode.Timeout"/> when it says nothing; <see cref="BackendConnectionException"/> when the connection is gone and <see cref="BackendProtocolException"/> when the daemon broke the
/// protocol: both tell by <see cref="HypervisorException.Outcome"/> whether the call may have been executed, and both are the end of this connection.</para>
/// <para>Cancelling a call cancels the wait: libvirt has no way to take a call back. One that still waits for its turn is not sent any more. Callers are continued on the thread that read the
/// reply; one that blocks its thread does not hold up the others.</para>
/// </remarks>
public sealed partial class LibvirtConnection : IAsyncDisposable
{
    private const int KeepAliveFeature = 10;
    private const uint ReadOnlyFlag = 1;
    private const int SegmentBytes = 64 * 1024;

    private readonly LibvirtSession _session;
    private readonly TimeSpan _timeout;

    private LibvirtConnection(LibvirtSession session, TimeSpan timeout)
    {
        _session = session;
        _timeout = timeout;
    }

    /// <summary>Where the daemon is, for messages: <c>unix:/run/libvirt/libvirt-sock</c>.</summary>
    public string Endpoint => _session.Endpoint;

    /// <summary>Why the connection has ended, or null while it works. The first reason stays; it is what every pending call got.</summary>
    public HypervisorException? CloseReason => _session.CloseReason;

    /// <summary>Completes, always successfully, when the connection has ended for whatever reason.</summary>
    public Task Closed => _session.Completion;

    /// <summary>Connects to the daemon that the address names, authenticates and opens the hypervisor driver.</summary>
    /// <param name="uri">Where, and what to open.</param>
    /// <param name="options">Limits and time-outs; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels connecting.</param>
    /// <exception cref="BackendConnectionException">Nobody listens there, or the certificates do not fit, or it took too long.</exception>
    /// <exception cref="BackendProtocolException">What listens there does not speak libvirt's protocol.</exception>
    /// <exception cref="LibvirtException">The daemon refused.</exception>
    public static async Task<LibvirtConnection> ConnectAsync(LibvirtUri uri, LibvirtOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(uri);
        var validated = (options ?? new LibvirtOptions()).Validated();
        Connection connection;
        try
        {
            connection = await DialAsync(uri, validated, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectException error)
        {
            throw LibvirtErrors.NotConnected(error);
        }

        return await ConnectAsync(connection, uri, validated, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Authenticates and opens on a connection that is there already: a forwarded socket, a process. The client owns it, also when this fails.</summary>
    /// <inheritdoc cref="ConnectAsync(LibvirtUri, LibvirtOptions?, CancellationToken)"/>
    public static async Task<LibvirtConnection> ConnectAsync(Connection connection, LibvirtUri uri, LibvirtOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(uri);
        var validated = (options ?? new LibvirtOptions()).Validated();
        var session = new LibvirtSession(connection, validated);
        session.Start();
        try
        {
            var libvirt = new LibvirtConnection(session, validated.ConnectTimeout);
            await libvirt.OpenAsync(uri, cancellationToken).ConfigureAwait(false);
            return libvirt.WithTimeout(validated.CallTimeout);
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The same connection with another time-out for its calls: <c>libvirt.WithTimeout(TimeSpan.FromHours(1)).DomainSaveAsync(...)</c>. Nothing to dispose.</summary>
    /// <param name="timeout">Positive, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    public LibvirtConnection WithTimeout(TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "A time-out is positive or infinite.");
        return new LibvirtConnection(_session, timeout);
    }

    /// <summary>Closes the connection. Calls in flight end with <see cref="CloseReason"/>; what they have begun at the daemon goes on. May be called again, and never throws.</summary>
    public ValueTask DisposeAsync() => _session.DisposeAsync();

    private static async Task<Connection> DialAsync(LibvirtUri uri, LibvirtOptions options, CancellationToken cancellationToken)
    {
        var transport = new ConnectionOptions { ConnectTimeout = options.ConnectTimeout, TimeProvider = options.TimeProvider, OwnThread = true, SegmentBytes = SegmentBytes };
        return uri.Transport switch
        {
            LibvirtTransport.Unix => await Connection.ConnectUnixAsync(uri.SocketPath(options.IsReadOnly), transport, cancellationToken).ConfigureAwait(false),
            LibvirtTransport.Tcp => await Connection.ConnectTcpAsync(uri.Host!, uri.Port, transport, cancellationToken).ConfigureAwait(false),
            _ => await LibvirtTls.ConnectAsync(uri, options, transport, cancellationToken).ConfigureAwait(false),
        };
    }

    private async Task OpenAsync(LibvirtUri uri, CancellationToken cancellationToken)
    {
        await AuthenticateAsync(cancellationToken).ConfigureAwait(false);
        // The question is also how the daemon learns that this client answers keepalive messages.
        if (await ConnectSupportsFeatureAsync(KeepAliveFeature, cancellationToken).ConfigureAwait(false) != 0)
            _session.StartKeepAlive();
        await ConnectOpenAsync(uri.Name, _session.Options.IsReadOnly ? ReadOnlyFlag : 0, cancellationToken).ConfigureAwait(false);
    }

    private async Task AuthenticateAsync(CancellationToken cancellationToken)
    {
        int[] kinds = await AuthListAsync(cancellationToken).ConfigureAwait(false);
        if (kinds.Length == 0 || kinds.Contains((int)RemoteAuthType.None))
            return;
        if (!kinds.Contains((int)RemoteAuthType.Polkit))
            throw new BackendConnectionException(
                $"{Endpoint} asks for authentication of the kinds {string.Join(", ", kinds.Select(kind => (RemoteAuthType)kind))}, of which none is supported.", ErrorCode.Unauthenticated, RequestOutcome.NotSent);
        await AuthPolkitAsync(cancellationToken).ConfigureAwait(false);
    }
}
