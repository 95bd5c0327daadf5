using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IImages"/> over there.</summary>
internal sealed class RemoteImages(RemoteCalls calls) : IImages
{
    public IAsyncEnumerable<Image> ListAsync(CancellationToken cancellationToken = default) => calls.Ask("images.list").ListAsync<Image>(cancellationToken);

    public static void Serve(ServiceRoutes<IImages> routes) => routes
        .List("list", static (images, call) => images.ListAsync(call.Token));
}
