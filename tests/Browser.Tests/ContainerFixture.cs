using Hypervisor.Sdk.Testing.Lxd;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>A host beside a real LXD that it was told the socket of.</summary>
public sealed class ContainerFixture : HostFixture
{
    private PrivateServer? _server;

    internal override async Task<IServedHost> StartHostAsync(CancellationToken cancellationToken)
    {
        _server = await PrivateServer.StartAsync(ServerKind.Lxd, hasOwnNetwork: true, watch: null, cancellationToken);
        return await ReferenceHostProcess.StartAsync(cancellationToken, "--lxd", _server.Socket);
    }

    internal override Task ExpectReadyAsync(WatchedPage page) => Assertions.Expect(page.Page.Locator(".topbar")).ToBeVisibleAsync(PagePatience.Visible);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
