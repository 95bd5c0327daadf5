using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Tickets for dedicated graphics WebSockets: each good once, for one instance, for a short time.</summary>
internal sealed class GraphicsTickets(IOptions<HypervisorApiOptions> options, TimeProvider time)
{
    private const int MaxTickets = 256;
    private const int TicketBytes = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (InstanceRef Instance, DateTimeOffset ExpiresAt)> _tickets = new(StringComparer.Ordinal);

    public (string Ticket, DateTimeOffset ExpiresAt) Issue(InstanceRef instance)
    {
        string ticket = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TicketBytes));
        var expiresAt = time.GetUtcNow() + options.Value.GraphicsTicketLifetime;
        lock (_gate)
        {
            foreach (var (old, value) in _tickets)
            {
                if (value.ExpiresAt <= time.GetUtcNow())
                    _tickets.Remove(old);
            }

            if (_tickets.Count >= MaxTickets)
                throw new HypervisorException($"{MaxTickets} tickets wait to be used: no more are issued.", ErrorCode.Unavailable, RequestOutcome.NotSent) { RetryAfter = options.Value.GraphicsTicketLifetime };
            _tickets.Add(Name(ticket), (instance, expiresAt));
        }

        return (ticket, expiresAt);
    }

    public void Redeem(string? ticket, InstanceRef instance)
    {
        lock (_gate)
        {
            if (ticket is not null && _tickets.Remove(Name(ticket), out var issued) && issued.Instance == instance && issued.ExpiresAt > time.GetUtcNow())
                return;
        }

        throw new HypervisorException("The ticket is not good: it was used, it has expired, or it is of another instance.", ErrorCode.Unauthenticated, RequestOutcome.NotSent);
    }

    /// <summary>Tickets are kept and compared by their digests, so that the time of a comparison says nothing of them.</summary>
    private static string Name(string ticket) => Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(ticket)));
}
