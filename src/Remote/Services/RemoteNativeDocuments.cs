using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="INativeDocuments"/> over there.</summary>
internal sealed class RemoteNativeDocuments(RemoteCalls calls) : INativeDocuments
{
    public Task<NativeDocument> GetAsync(InstanceId id, CancellationToken cancellationToken = default) => calls.Ask("nativeDocuments.get").With(id).SendAsync<NativeDocument>(cancellationToken);

    public static void Serve(ServiceRoutes<INativeDocuments> routes) => routes
        .Answer("get", static (documents, call) => documents.GetAsync(call.Next<InstanceId>(), call.Token));
}
