using Microsoft.Extensions.Options;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Counts the open WebSockets.</summary>
internal sealed class SocketLimit(IOptions<HypervisorApiOptions> options)
{
    private int _open;

    public IDisposable Enter()
    {
        if (Interlocked.Increment(ref _open) <= options.Value.MaxSockets)
            return new Place(this);
        Interlocked.Decrement(ref _open);
        throw new HypervisorException($"{options.Value.MaxSockets} WebSockets are open: no more are accepted.", ErrorCode.Unavailable, RequestOutcome.NotSent) { RetryAfter = TimeSpan.FromSeconds(5) };
    }

    private sealed class Place(SocketLimit limit) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                Interlocked.Decrement(ref limit._open);
        }
    }
}
