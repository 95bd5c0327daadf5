using static Hypervisor.Sdk.AspNetCore.ApiSchema;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Snapshots of instances.</summary>
internal static class SnapshotRoutes
{
    private const string All = "/instances/{backend}/{id}/snapshots";

    public static void Map(ApiRouter routes)
    {
        routes.Get(All, "listSnapshots", "Lists the snapshots of an instance; each names its parent.", ListOf(Of<Snapshot>()), ListAsync);
        routes.Work("POST", All, "createSnapshot", "Takes a snapshot.", Of<SnapshotSpec>(), CreateAsync);
        routes.Work("POST", All + "/{name}/revert", "revertSnapshot", "Goes back to a snapshot. What happened since is lost.", null,
            call => InstanceRoutes.Feature<ISnapshots, Instance>(call, (service, request) => service.RevertAsync(call.Instance, call.Route<SnapshotName>("name"), request, call.Aborted)));
        routes.Work("DELETE", All + "/{name}", "deleteSnapshot", "Deletes a snapshot; what was taken after it stays.", null, DeleteAsync);
    }

    private static async Task ListAsync(ApiCall call)
    {
        var service = await call.GetServiceAsync<ISnapshots>().ConfigureAwait(false);
        var snapshots = new List<Snapshot>();
        await foreach (var snapshot in service.ListAsync(call.Instance, call.Aborted).ConfigureAwait(false))
            snapshots.Add(snapshot);
        await call.WriteListAsync(snapshots).ConfigureAwait(false);
    }

    private static async Task CreateAsync(ApiCall call)
    {
        var spec = await call.ReadAsync<SnapshotSpec>().ConfigureAwait(false);
        await InstanceRoutes.Feature<ISnapshots, Snapshot>(call, (service, request) => service.CreateAsync(call.Instance, spec, request, call.Aborted)).ConfigureAwait(false);
    }

    private static Task DeleteAsync(ApiCall call) =>
        call.AnswerAsync(async request => await (await call.GetServiceAsync<ISnapshots>().ConfigureAwait(false)).DeleteAsync(call.Instance, call.Route<SnapshotName>("name"), request, call.Aborted).ConfigureAwait(false));
}
