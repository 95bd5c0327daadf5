using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IGraphicsConsole"/> over there. A session is an open call whose data is the viewer's protocol.</summary>
internal sealed class RemoteGraphicsConsole(RemoteCalls calls) : IGraphicsConsole
{
    public async Task<GraphicsSession> OpenAsync(InstanceId id, CancellationToken cancellationToken = default) =>
        new RemoteGraphics(await calls.Ask("graphics.open").With(id).OpenAsync(cancellationToken).ConfigureAwait(false));

    public Task<NativeDocument> CaptureAsync(InstanceId id, CancellationToken cancellationToken = default) => calls.Ask("graphics.capture").With(id).SendAsync<NativeDocument>(cancellationToken);

    public static void Serve(ServiceRoutes<IGraphicsConsole> routes) => routes
        .Add("open", static async (graphics, call) =>
        {
            var session = await graphics.OpenAsync(call.Next<InstanceId>(), call.Token).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                ReadOnlyMemory<byte>? password = session.Password is { } secret ? secret.Reveal().ToArray() : null;
                await call.OpenedAsync(call.Write().Add(session.Protocol).Add(password)).ConfigureAwait(false);
                await call.CarryAsync(session, null).ConfigureAwait(false);
            }

            return default;
        })
        .Answer("capture", static (graphics, call) => graphics.CaptureAsync(call.Next<InstanceId>(), call.Token));
}
