using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="ISerialConsole"/> over there. A session is an open call whose data is what is printed and typed.</summary>
internal sealed class RemoteSerialConsole(RemoteCalls calls) : ISerialConsole
{
    public async Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default) =>
        new RemoteConsole(await calls.Change("console.open").With(id).With(options).OpenAsync(cancellationToken).ConfigureAwait(false));

    public async Task<Stream> OpenLogAsync(InstanceId id, long? tailBytes = null, CancellationToken cancellationToken = default)
    {
        var session = await calls.Ask("console.openLog").With(id).With(tailBytes).OpenAsync(cancellationToken).ConfigureAwait(false);
        return new MessageStream(session.ReceiveAsync, session.DisposeAsync);
    }

    public static void Serve(ServiceRoutes<ISerialConsole> routes) => routes
        .Add("open", static async (console, call) =>
        {
            var session = await console.OpenAsync(call.Next<InstanceId>(), call.Find<ConsoleOptions>(), call.Token).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                await call.OpenedAsync(call.Write().Add(session.CanResize), session).ConfigureAwait(false);
                await call.CarryAsync(session, session.Completion).ConfigureAwait(false);
            }

            return default;
        })
        .Do("resize", static (_, call) => call.NextSubject<ConsoleSession>().ResizeAsync(call.Next<int>(), call.Next<int>(), call.Token).AsTask())
        .Read("openLog", static (console, call) => console.OpenLogAsync(call.Next<InstanceId>(), call.Find<long?>(), call.Token));
}
