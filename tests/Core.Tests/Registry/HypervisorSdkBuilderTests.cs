using Hypervisor.Sdk.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hypervisor.Sdk.Tests.Registry;

public sealed class HypervisorSdkBuilderTests
{
    private static readonly BackendName s_local = BackendName.Parse("local");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_host_starts_with_a_dead_backend_and_a_driver_adds_itself_by_one_call()
    {
        var alive = new FakeBackend("alive");
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddHypervisorSdk()
            .AddBackend(BackendName.Parse("dead"), "fake", (_, token) => new TaskCompletionSource<IBackend>().Task.WaitAsync(token))
            .AddFake(alive)
            .AddFactory<FakeFactory>()
            .AddFactory<FakeFactory>()
            .Configure(options => options.ConnectTimeout = TimeSpan.FromSeconds(7));
        builder.Services.AddHypervisorSdk();
        var host = builder.Build();
        await host.StartAsync(Cancelled);
        var registry = host.Services.GetRequiredService<IBackendRegistry>();
        Assert.Equal(["alive", "dead"], registry.List().Select(backend => backend.Name.ToString()));
        var dead = registry.GetAsync(BackendName.Parse("dead"), Cancelled).AsTask();
        Assert.Same(alive, FakeBackend.Of(await registry.GetAsync(alive.Name, Cancelled)));
        await registry.AddAsync(new() { Name = s_local, Kind = "fake" }, Cancelled);
        Assert.Equal("local", (await registry.GetAsync(s_local, Cancelled)).Name.ToString());
        await host.StopAsync(Cancelled);
        await ((IAsyncDisposable)host).DisposeAsync();
        Assert.Equal(1, alive.Disposals);
        await Assert.ThrowsAsync<HypervisorException>(() => dead);
    }

    [Fact]
    public void A_name_is_taken_once()
    {
        var builder = new ServiceCollection().AddHypervisorSdk().AddFake(new FakeBackend());
        Assert.Throws<ArgumentException>(() => builder.AddFake(new FakeBackend()));
        Assert.Throws<ArgumentException>(() => new BackendRegistry(options: new() { ConnectTimeout = TimeSpan.Zero }));
    }
}

internal static class FakeBuilderExtensions
{
    public static HypervisorSdkBuilder AddFake(this HypervisorSdkBuilder builder, FakeBackend backend) => builder.AddBackend(backend.Name, "fake", (_, _) => Task.FromResult<IBackend>(backend));
}

internal sealed class FakeFactory : IBackendFactory
{
    public string Kind => "fake";

    public Task<IBackend> ConnectAsync(BackendDefinition definition, CancellationToken cancellationToken) => Task.FromResult<IBackend>(new FakeBackend(definition.Name.ToString()));
}
