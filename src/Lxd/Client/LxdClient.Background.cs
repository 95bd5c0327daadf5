using Hypervisor.Sdk.Lxd.Operations;

namespace Hypervisor.Sdk.Lxd;

/// <content>What goes on in the background, and what the server tells of by itself.</content>
public sealed partial class LxdClient
{
    private static readonly TimeSpan s_confirmation = TimeSpan.FromSeconds(60);

    /// <summary>Subscribes to the server's events. Completes when the server has confirmed: what happens after that is told.</summary>
    /// <param name="options">Which events; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">The server cannot be reached, or refuses.</exception>
    public async Task<LxdEventStream> WatchAsync(LxdEventOptions? options = null, CancellationToken cancellationToken = default)
    {
        var events = Events(options);
        try
        {
            await events.BeginAsync(cancellationToken).ConfigureAwait(false);
            return events;
        }
        catch
        {
            await events.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Work that a call has begun in the background, as an <see cref="Operation{T}"/>: waited for, followed, cancelled, and resumed by its token.</summary>
    /// <param name="begun">What the call answered.</param>
    /// <param name="options">What it is called elsewhere; null for the defaults.</param>
    public Operation<LxdOperation> Follow(LxdOperation begun, LxdFollowOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(begun);
        options ??= new LxdFollowOptions();
        return new LxdWork(this, begun, options, options.RequestId ?? RequestId.New());
    }

    /// <summary>The operation of a token that <see cref="Follow"/> gave, in this process or another. Null when the server no longer keeps it and there is no <see cref="LxdFollowOptions.Log"/> that could say what became of it.</summary>
    /// <param name="token">The token.</param>
    /// <param name="options">What it is called elsewhere; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The token is of another backend, or of a version that this library does not know.</exception>
    public async Task<Operation<LxdOperation>?> ResumeAsync(OperationToken token, LxdFollowOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new LxdFollowOptions();
        var (id, request) = LxdWork.Parse(token, options.Backend);
        try
        {
            var found = await OperationGetAsync(id, cancellationToken: cancellationToken).ConfigureAwait(false);
            return new LxdWork(this, found.Value, options, request);
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            return options.Log is null ? null : new LxdWork(this, new LxdOperation { Id = id }, options, request);
        }
    }

    internal LxdEventStream Events(LxdEventOptions? options)
    {
        options ??= new LxdEventOptions();
        if (options.Types.Count == 0)
            throw new ArgumentException("At least one type of events is needed.", nameof(options));
        var call = new LxdCall { Type = string.Join(',', options.Types), AllProjects = options.AllProjects ? true : null };
        return new LxdEventStream((socket, token) => OpenWebSocketAsync(LxdApi.EventsGet, Path($"/1.0/events"), null, call, socket, token), options.Capacity, s_confirmation);
    }
}
