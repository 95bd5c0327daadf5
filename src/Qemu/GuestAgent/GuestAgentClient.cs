using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.GuestAgent;

/// <summary>
/// A client of the QEMU guest agent behind one channel. Thread-safe; the agent does one command at a time, so calls wait for their turn. Every command of the agents of QEMU 7.2 and
/// 10.0 is a method here; one that the running agent does not offer, or that is switched off in the guest, fails as <see cref="ErrorCode.Unsupported"/> before it is sent.
/// </summary>
/// <remarks>
/// <para>Nobody says when an agent comes or goes: the channel is open while the guest is off. So a call first finds into step with the agent (guest-sync-delimited) when the last one did
/// not end regularly; when the agent is silent then, the call fails as <see cref="ErrorCode.Unavailable"/> with <see cref="RequestOutcome.NotSent"/>. When it is silent after a command was
/// sent, the call fails as <see cref="ErrorCode.Timeout"/> with <see cref="RequestOutcome.Unknown"/>. The client stays usable after both.</para>
/// <para>What the agent says comes from the guest: it is bounded and checked, and may be a lie.</para>
/// </remarks>
public sealed partial class GuestAgentClient : IAsyncDisposable
{
    private readonly GuestAgentSession _session;
    private readonly TimeSpan _timeout;

    private GuestAgentClient(GuestAgentSession session, TimeSpan timeout)
    {
        _session = session;
        _timeout = timeout;
    }

    /// <summary>Where the channel is, for messages.</summary>
    public string Endpoint => _session.Endpoint;

    /// <summary>Why the client has ended, or null while it works.</summary>
    public HypervisorException? CloseReason => _session.CloseReason;

    /// <summary>Connects to the host's end of an agent channel, a unix socket. Says nothing about whether an agent listens: the first call does.</summary>
    /// <exception cref="BackendConnectionException">Nobody listens there.</exception>
    public static async Task<GuestAgentClient> ConnectAsync(string socketPath, GuestAgentClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        var validated = (options ?? new GuestAgentClientOptions()).Validated();
        try
        {
            var connection = await Connection.ConnectUnixAsync(socketPath, new ConnectionOptions { TimeProvider = validated.TimeProvider }, cancellationToken).ConfigureAwait(false);
            return Create(connection, validated);
        }
        catch (ConnectException error)
        {
            throw QmpErrors.NotConnected(error);
        }
    }

    /// <summary>Makes a client on a connection that is there already. The client owns it.</summary>
    public static GuestAgentClient Create(Connection connection, GuestAgentClientOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var validated = (options ?? new GuestAgentClientOptions()).Validated();
        return new GuestAgentClient(new GuestAgentSession(connection, validated), validated.CallTimeout);
    }

    /// <summary>The same client with another time-out for its commands. Nothing to dispose.</summary>
    /// <param name="timeout">Positive.</param>
    public GuestAgentClient WithTimeout(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        return new GuestAgentClient(_session, timeout);
    }

    /// <summary>Closes the connection. A call that waits ends with <see cref="CloseReason"/>. May be called again, and never throws.</summary>
    public ValueTask DisposeAsync() => _session.DisposeAsync();
}
