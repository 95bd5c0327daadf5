using Microsoft.Extensions.Options;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>What every handler needs. One per application.</summary>
internal sealed class ApiServices(IBackendRegistry registry, ApiJson json, OperationStore operations, EventHub events, MetricsSampler metrics, GraphicsTickets tickets, SocketLimit sockets, IOptions<HypervisorApiOptions> options, TimeProvider time)
{
    public IBackendRegistry Registry { get; } = registry;

    public ApiJson Json { get; } = json;

    public OperationStore Operations { get; } = operations;

    public EventHub Events { get; } = events;

    public MetricsSampler Metrics { get; } = metrics;

    public GraphicsTickets Tickets { get; } = tickets;

    public SocketLimit Sockets { get; } = sockets;

    public HypervisorApiOptions Options { get; } = options.Value;

    public TimeProvider Time { get; } = time;

    /// <summary>Where the API is mapped, with the path base that the request came through.</summary>
    public static string PathOf(HttpContext http) => http.Request.PathBase + (http.GetEndpoint()?.Metadata.GetMetadata<ApiRoute>()?.Prefix ?? "");
}
