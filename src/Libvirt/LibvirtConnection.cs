using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Hosts;
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

    // What carries the connection and ends with it: the ssh that forwards the socket.
    private readonly IAsyncDisposable? _carrier;

    private LibvirtConnection(LibvirtSession session, TimeSpan timeout, IAsyncDisposable? carrier)
    {
        _session = session;
        _timeout = timeout;
        _carrier = carrier;
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
        if (uri.Transport == LibvirtTransport.Ssh)
        {
            return !OperatingSystem.IsWindows() ? await ConnectBySshAsync(uri, validated, cancellationToken).ConfigureAwait(false)
                : throw new HypervisorException($"'{uri.Endpoint}': ssh is not supported on Windows.", ErrorCode.Unsupported, RequestOutcome.NotSent);
        }

        Connection connection;
        try
        {
            connection = await DialAsync(uri, validated, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectException error)
        {
            throw LibvirtErrors.NotConnected(error);
        }

        return await ConnectAsync(connection, null, uri, uri.Transport == LibvirtTransport.Tls, validated, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Authenticates and opens on a connection that is there already: a forwarded socket, a process. The client owns it, also when this fails.</summary>
    /// <inheritdoc cref="ConnectAsync(LibvirtUri, LibvirtOptions?, CancellationToken)"/>
    public static Task<LibvirtConnection> ConnectAsync(Connection connection, LibvirtUri uri, LibvirtOptions? options = null, CancellationToken cancellationToken = default) =>
        ConnectAsync(connection, null, uri, false, options, cancellationToken);

    private static async Task<LibvirtConnection> ConnectAsync(Connection connection, IAsyncDisposable? carrier, LibvirtUri uri, bool isTls, LibvirtOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(uri);
        var validated = (options ?? new LibvirtOptions()).Validated();
        var session = new LibvirtSession(connection, validated);
        session.Start();
        try
        {
            var libvirt = new LibvirtConnection(session, validated.ConnectTimeout, carrier);
            await libvirt.OpenAsync(uri, isTls, cancellationToken).ConfigureAwait(false);
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
        return new LibvirtConnection(_session, timeout, _carrier);
    }

    /// <summary>Closes the connection. Calls in flight end with <see cref="CloseReason"/>; what they have begun at the daemon goes on. May be called again, and never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        await _session.DisposeAsync().ConfigureAwait(false);
        if (_carrier is not null)
            await _carrier.DisposeAsync().ConfigureAwait(false);
    }

    [UnsupportedOSPlatform("windows")]
    private static async Task<LibvirtConnection> ConnectBySshAsync(LibvirtUri uri, LibvirtOptions options, CancellationToken cancellationToken)
    {
        var host = await SshHostSession.ConnectAsync(uri.SshAddress, options.Ssh, cancellationToken).ConfigureAwait(false);
        try
        {
            ConnectException? nobody = null;
            foreach (string path in uri.RemoteSocketPaths(options.IsReadOnly))
            {
                try
                {
                    var connection = await host.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
                    return await ConnectAsync(connection, host, uri, false, options, cancellationToken).ConfigureAwait(false);
                }
                catch (ConnectException error)
                {
                    nobody = error;
                }
            }

            throw LibvirtErrors.NotConnected(nobody!);
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

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

    private async Task OpenAsync(LibvirtUri uri, bool isTls, CancellationToken cancellationToken)
    {
        await AuthenticateAsync(uri, isTls, cancellationToken).ConfigureAwait(false);
        // The question is also how the daemon learns that this client answers keepalive messages.
        if (await ConnectSupportsFeatureAsync(KeepAliveFeature, cancellationToken).ConfigureAwait(false) != 0)
            _session.StartKeepAlive();
        await ConnectOpenAsync(uri.Name, _session.Options.IsReadOnly ? ReadOnlyFlag : 0, cancellationToken).ConfigureAwait(false);
    }
}
