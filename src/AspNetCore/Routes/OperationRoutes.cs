namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Work that was begun.</summary>
internal static class OperationRoutes
{
    public static void Map(ApiRouter routes)
    {
        routes.Get("/operations/{operation}", "getOperation", "How far an operation is. Prefer: wait=N answers when it has ended, after N seconds at most.", ApiSchema.Operation, GetAsync);
        routes.Post("/operations/{operation}/cancel", "cancelOperation", "Asks the backend to end the work.", null, ApiSchema.Operation, CancelAsync);
    }

    private static async Task GetAsync(ApiCall call)
    {
        var operation = await call.Services.Operations.GetAsync(call.RouteText("operation"), call.Aborted).ConfigureAwait(false);
        var wait = call.ReadWait();
        if (wait > TimeSpan.Zero)
            await operation.WaitAsync(wait, call.Aborted).ConfigureAwait(false);
        await call.WriteAsync((await operation.ReadAsync(call.Aborted).ConfigureAwait(false)).Write).ConfigureAwait(false);
    }

    private static async Task CancelAsync(ApiCall call)
    {
        var operation = await call.Services.Operations.GetAsync(call.RouteText("operation"), call.Aborted).ConfigureAwait(false);
        if (!await operation.TryCancelAsync(call.Aborted).ConfigureAwait(false))
            throw new HypervisorException("This operation cannot be cancelled, or has ended already.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = "operation" };
        await call.WriteAsync((await operation.ReadAsync(call.Aborted).ConfigureAwait(false)).Write).ConfigureAwait(false);
    }
}
