using static Hypervisor.Sdk.AspNetCore.ApiSchema;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Ports of the host that lead into instances.</summary>
internal static class PortRoutes
{
    private const string All = "/instances/{backend}/{id}/ports";

    public static void Map(ApiRouter routes)
    {
        routes.Get(All, "listPorts", "Lists the ports of the host that lead into an instance.", ListOf(Of<PortForward>()), ListAsync);
        routes.Post(All, "addPort", "Has a port of the host lead into an instance.", Of<PortSpec>(), Of<PortForward>(), AddAsync, status: StatusCodes.Status201Created);
        routes.Empty("DELETE", All + "/{port}", "removePort", "Ends a port of the host that leads into an instance.", RemoveAsync);
    }

    private static async Task ListAsync(ApiCall call)
    {
        var ports = new List<PortForward>();
        await foreach (var port in (await call.GetServiceAsync<IPortForwards>().ConfigureAwait(false)).ListAsync(call.Instance, call.Aborted).ConfigureAwait(false))
            ports.Add(port);
        await call.WriteListAsync(ports).ConfigureAwait(false);
    }

    private static async Task AddAsync(ApiCall call)
    {
        var spec = await call.ReadAsync<PortSpec>().ConfigureAwait(false);
        var forwards = await call.GetServiceAsync<IPortForwards>().ConfigureAwait(false);
        await call.WriteAsync(await forwards.AddAsync(call.Instance, spec, call.ReadRequest(), call.Aborted).ConfigureAwait(false), StatusCodes.Status201Created).ConfigureAwait(false);
    }

    private static async Task RemoveAsync(ApiCall call)
    {
        var port = call.Route<DeviceId>("port");
        if (!await (await call.GetServiceAsync<IPortForwards>().ConfigureAwait(false)).RemoveAsync(call.Instance, port, call.ReadRequest(), call.Aborted).ConfigureAwait(false))
            throw new HypervisorException($"Instance '{call.Instance}' has no port '{port}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = call.Backend, Resource = $"instance {call.Instance}" };
        call.Http.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
