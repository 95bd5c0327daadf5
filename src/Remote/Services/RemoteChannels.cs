using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IBackendChannels"/> over there. A channel is an open call whose data is what goes through it.</summary>
internal sealed class RemoteChannels(RemoteCalls calls) : IBackendChannels
{
    public async Task<BackendChannel> OpenAsync(string name, ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new RemoteChannel(await calls.Change("channels.open").With(name).With<ReadOnlyMemory<byte>>(greeting).OpenAsync(cancellationToken).ConfigureAwait(false));
    }

    public static void Serve(ServiceRoutes<IBackendChannels> routes) => routes.Add("open", static (channels, call) => CarryAsync(channels, call));

    /// <summary>Opens a channel of a backend, and carries what goes through it.</summary>
    public static async Task<ReadOnlyMemory<byte>> CarryAsync(IBackendChannels channels, ServedCall call)
    {
        var channel = await channels.OpenAsync(call.Next<string>(), call.Next<ReadOnlyMemory<byte>>(), call.Token).ConfigureAwait(false);
        await using (channel.ConfigureAwait(false))
        {
            await call.OpenedAsync().ConfigureAwait(false);
            await call.CarryAsync(channel, null).ConfigureAwait(false);
        }

        return default;
    }
}
