using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IGuestFiles"/> over there: content goes and comes with the call.</summary>
internal sealed class RemoteGuestFiles(RemoteCalls calls) : IGuestFiles
{
    public async Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default)
    {
        var session = await calls.Ask("guestFiles.openRead").With(id).With(path).OpenAsync(cancellationToken).ConfigureAwait(false);
        return new MessageStream(session.ReceiveAsync, session.DisposeAsync);
    }

    public Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        return RemoteUpload.SendAsync(calls.Change("guestFiles.write").With(id).With(path).With(attributes), content, null, cancellationToken);
    }

    public IAsyncEnumerable<GuestFile> ListAsync(InstanceId id, string path, CancellationToken cancellationToken = default) => calls.Ask("guestFiles.list").With(id).With(path).ListAsync<GuestFile>(cancellationToken);

    public Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default) => calls.Change("guestFiles.delete").With(id).With(path).SendAsync(cancellationToken);

    public static void Serve(ServiceRoutes<IGuestFiles> routes) => routes
        .Read("openRead", static (files, call) => files.OpenReadAsync(call.Next<InstanceId>(), call.Next<string>(), call.Token))
        .Add("write", static async (files, call) =>
        {
            var id = call.Next<InstanceId>();
            string path = call.Next<string>();
            var attributes = call.Find<GuestFileAttributes>();
            await call.OpenedAsync().ConfigureAwait(false);
            await files.WriteAsync(id, path, call.Content(), attributes, call.Token).ConfigureAwait(false);
            return default;
        })
        .List("list", static (files, call) => files.ListAsync(call.Next<InstanceId>(), call.Next<string>(), call.Token))
        .Do("delete", static (files, call) => files.DeleteAsync(call.Next<InstanceId>(), call.Next<string>(), call.Token));
}
