using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>
/// A client of one QMP monitor of QEMU (or of qemu-storage-daemon). Thread-safe; calls are pipelined, and every command of QEMU 7.2 and 10.0 is a method here. One that the running
/// server does not offer fails as <see cref="ErrorCode.Unsupported"/> before anything is sent.
/// </summary>
/// <remarks>
/// <para>What a call throws: <see cref="HypervisorException"/> with <see cref="RequestOutcome.Rejected"/> and the server's own class and words when it says no; with
/// <see cref="ErrorCode.Timeout"/> when it says nothing; <see cref="BackendConnectionException"/> when the connection is gone and <see cref="BackendProtocolException"/> when the server broke the
/// protocol: both tell by <see cref="HypervisorException.Outcome"/> whether the command may have been executed, and both are the end of this client.</para>
/// <para>Cancelling a call cancels the wait: QEMU has no way to take a command back. Callers are continued on the thread that read the reply; one that blocks its thread does not hold up
/// the others.</para>
/// </remarks>
public sealed partial class QmpClient : IAsyncDisposable
{
    private readonly QmpSession _session;
    private readonly TimeSpan _timeout;

    private QmpClient(QmpSession session, TimeSpan timeout)
    {
        _session = session;
        _timeout = timeout;
    }

    internal QmpSession Session => _session;

    /// <summary>Where the server is, for messages: <c>unix:/run/vm1/qmp.sock</c>.</summary>
    public string Endpoint => _session.Endpoint;

    /// <summary>The server's version.</summary>
    public Version ServerVersion => _session.Greeting.Version;

    /// <summary>The server's package, verbatim; the distribution's version as a rule.</summary>
    public string ServerPackage => _session.Greeting.VersionInfo.Package;

    /// <summary>Whether commands can be executed out of band on this connection.</summary>
    public bool IsOutOfBandEnabled => _session.OutOfBand;

    /// <summary>The names of all commands that the server offers, also those that this library does not know.</summary>
    public IReadOnlySet<string> Commands => _session.Commands;

    /// <summary>Why the client has ended, or null while it works. The first reason stays; it is what every pending call got.</summary>
    public HypervisorException? CloseReason => _session.CloseReason;

    /// <summary>Completes, always successfully, when the client has ended for whatever reason.</summary>
    public Task Closed => _session.Completion;

    /// <summary>Connects to a monitor's unix socket and negotiates.</summary>
    /// <param name="socketPath">The socket file that QEMU was given with <c>-qmp unix:</c>.</param>
    /// <param name="options">Limits and time-outs; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels connecting.</param>
    /// <exception cref="BackendConnectionException">Nobody listens there, or no greeting came in time: a monitor serves one client at a time.</exception>
    /// <exception cref="BackendProtocolException">What listens there does not speak QMP.</exception>
    public static async Task<QmpClient> ConnectAsync(string socketPath, QmpClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        var validated = (options ?? new QmpClientOptions()).Validated();
        Connection connection;
        try
        {
            connection = await Connection.ConnectUnixAsync(
                socketPath, new ConnectionOptions { ConnectTimeout = validated.HandshakeTimeout, TimeProvider = validated.TimeProvider, OwnThread = true }, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectException error)
        {
            throw QmpErrors.NotConnected(error);
        }

        return await ConnectAsync(connection, validated, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Negotiates on a connection that is there already: TCP, TLS, a process. The client owns it, also when this fails.</summary>
    /// <inheritdoc cref="ConnectAsync(string, QmpClientOptions?, CancellationToken)"/>
    public static async Task<QmpClient> ConnectAsync(Connection connection, QmpClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var validated = (options ?? new QmpClientOptions()).Validated();
        var session = await QmpSession.OpenAsync(connection, validated, cancellationToken).ConfigureAwait(false);
        return new QmpClient(session, validated.CallTimeout);
    }

    /// <summary>The same client with another time-out for its calls: <c>qmp.WithTimeout(TimeSpan.FromMinutes(5)).BlockdevSnapshotSyncAsync(...)</c>. Nothing to dispose.</summary>
    /// <param name="timeout">Positive, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    public QmpClient WithTimeout(TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "A time-out is positive or infinite.");
        return new QmpClient(_session, timeout);
    }

    /// <summary>Subscribes to events, 1024 of which may wait to be read. When this returns, every later event is in the queue.</summary>
    /// <param name="names">Which events; none for all.</param>
    /// <exception cref="HypervisorException">The client has ended.</exception>
    public QmpSubscription Subscribe(params QmpEventName[] names) => Subscribe(DefaultQueue, names);

    /// <summary>Subscribes to events with a queue of another size.</summary>
    /// <param name="capacity">How many events may wait to be read; one more ends the subscription with an exception.</param>
    /// <param name="names">Which events; none for all.</param>
    /// <exception cref="HypervisorException">The client has ended.</exception>
    public QmpSubscription Subscribe(int capacity, params QmpEventName[] names)
    {
        var subscription = new QmpSubscription(_session, names, capacity);
        _session.Add(subscription);
        return subscription;
    }

    /// <summary>Closes the connection. Calls in flight end with <see cref="CloseReason"/>. QEMU itself goes on. May be called again, and never throws.</summary>
    public ValueTask DisposeAsync() => _session.DisposeAsync();

    private const int DefaultQueue = 1024;
}
