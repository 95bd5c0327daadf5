using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote.Tests;

/// <summary>A backend that is served over a way, and the client of it.</summary>
internal sealed class Link : IAsyncDisposable
{
    private Link(FrameWay way, Func<RemoteBackendOptions> options)
    {
        Way = way;
        Options = options;
    }

    public FrameWay Way { get; }

    public Func<RemoteBackendOptions> Options { get; }

    public RemoteBackend Client { get; private set; } = null!;

    /// <summary>Serves a backend, made anew for each connection, and connects.</summary>
    public static async Task<Link> OpenAsync(Func<BackendOpening, IBackend> open, Action<RemoteBackendOptions>? configure = null)
    {
        var way = new FrameWay(socket => BackendServer.ServeAsync(Connection.FromSocket(socket), (opening, _) => Task.FromResult(open(opening)), null, CancellationToken.None));
        var link = new Link(way, () =>
        {
            var options = new RemoteBackendOptions { Name = "remote", Connect = token => Connection.ConnectUnixAsync(way.Path, null, token), MaxReconnectPause = TimeSpan.FromMilliseconds(200) };
            configure?.Invoke(options);
            return options;
        });
        link.Client = await link.ConnectAsync();
        return link;
    }

    public Task<RemoteBackend> ConnectAsync() => RemoteBackend.ConnectAsync(Options(), TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Way.DisposeAsync();
    }
}
