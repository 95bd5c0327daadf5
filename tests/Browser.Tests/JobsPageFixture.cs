using Hypervisor.Sdk.Jobs;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>A host without machines, in this process, whose jobs do what a test says.</summary>
public sealed class JobsPageFixture : HostFixture
{
    private LabHost? _host;

    internal IJobs Jobs => _host!.Jobs;

    internal LabWorks Works => _host!.Works;

    internal LabHost Host => _host!;

    internal override async Task<IServedHost> StartHostAsync(CancellationToken cancellationToken) => _host = await LabHost.StartAsync(cancellationToken);

    internal override Task ExpectReadyAsync(WatchedPage page) => Assertions.Expect(page.Page.Locator(".topbar")).ToBeVisibleAsync(PagePatience.Visible);
}
