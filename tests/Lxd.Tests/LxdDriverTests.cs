using Hypervisor.Sdk.Lxd.Driver;
using Hypervisor.Sdk.Lxd.Tests.Lab;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>What is peculiar to this driver; what all drivers keep is checked by the kit.</summary>
[Peer("lxd")]
public sealed class LxdDriverTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task A_backend_is_registered_by_its_kind_and_another_kind_is_refused()
    {
        var incus = await lab.GetAsync(ServerKind.Incus);
        var services = new ServiceCollection();
        services.AddHypervisorSdk().AddIncus("right", options => options.Connection.Server = incus.Socket).AddLxd("wrong", options => options.Connection.Server = incus.Socket);
        await using var provider = services.BuildServiceProvider();
        var registry = provider.GetRequiredService<IBackendRegistry>();
        var backend = await registry.GetAsync(BackendName.Parse("right"), Token);
        Assert.Equal("incus", backend.Info.Kind);
        Assert.Equal(new Version(6, 0, 4), backend.Info.ParsedVersion);
        Assert.True(backend.TryGet<IContainerRuntime>(out _));
        Assert.False(backend.TryGet<IHypervisor>(out _));
        var error = await Assert.ThrowsAnyAsync<HypervisorException>(async () => await registry.GetAsync(BackendName.Parse("wrong"), Token));
        Assert.Contains("'incus'", error.Message, StringComparison.Ordinal);
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Limits_are_changed_while_a_container_runs(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);
        var containers = backend.Get<IContainerRuntime>();
        var made = await containers.CreateAsync(new ContainerSpec { Name = InstanceName.Parse("limited"), Image = server.Image, CpuLimit = 1.5, MemoryLimit = ByteSize.FromMiB(96) }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(1.5, made.Cpus);
        var running = await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
        var changed = await containers.ChangeAsync(made.Id, new InstanceChange { CpuLimit = 0.25, MemoryLimit = ByteSize.FromMiB(128) }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(running.StartedAt, changed.StartedAt);
        Assert.Equal((0.25, ByteSize.FromMiB(128)), (changed.Cpus, changed.Memory));
        var own = (await backend.Client.InstanceGetAsync("limited", cancellationToken: Token)).Value;
        Assert.Equal(("25ms/100ms", "134217728"), (own.Config!["limits.cpu.allowance"], own.Config["limits.memory"]));
        var lifted = await containers.ChangeAsync(made.Id, new InstanceChange { CpuLimit = (double?)null, MemoryLimit = (ByteSize?)null }, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((null, null), (lifted.Cpus, lifted.Memory));
        await containers.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
    }

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_others_have_made_is_read_and_kept(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);
        var containers = backend.Get<IContainerRuntime>();
        var begun = await backend.Client.InstancesPostAsync(
            new LxdInstancesPost
            {
                Name = "theirs", Description = "of others", Source = new LxdInstanceSource { Type = "image", Fingerprint = server.Image },
                Config = new Dictionary<string, string> { ["limits.cpu"] = "0-1", ["limits.memory"] = "64MiB", ["user.owner"] = "somebody", ["user.user-data"] = "#cloud-config", ["boot.autostart"] = "false" },
            },
            cancellationToken: Token);
        await backend.Client.WaitAsync(begun.Id!, "creating", Token);
        var theirs = (await containers.FindAsync(InstanceId.Parse("theirs"), Token))!;
        Assert.Equal((2.0, ByteSize.FromMiB(64), "of others"), (theirs.Cpus, theirs.Memory, theirs.Description));
        Assert.Equal(["owner"], theirs.Labels.Keys);
        await containers.ChangeAsync(theirs.Id, new InstanceChange { Labels = { ["owner"] = "us" } }, null, new RequestOptions { RequestId = RequestId.New() }, Token).WaitForCompletionAsync(Token);
        var own = (await backend.Client.InstanceGetAsync("theirs", cancellationToken: Token)).Value;
        Assert.Equal("of others", own.Description);
        Assert.Equal(("us", "#cloud-config", "false", "0-1"), (own.Config!["user.owner"], own.Config["user.user-data"], own.Config["boot.autostart"], own.Config["limits.cpu"]));
        await containers.DeleteAsync(theirs.Id, null, null, Token).WaitForCompletionAsync(Token);
    }

    [Theory]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("1GB", 1_000_000_000L)]
    [InlineData("1048576", 1L << 20)]
    [InlineData("7B", 7L)]
    [InlineData("50%", null)]
    [InlineData("", null)]
    [InlineData("9223372036854775807GiB", null)]
    [InlineData("-1MiB", null)]
    public void A_size_is_read_as_the_servers_write_it(string text, long? bytes) => Assert.Equal(bytes, ContainerRules.BytesOf(text)?.Bytes);

    [Theory]
    [InlineData("limits.cpu", "4", 4.0)]
    [InlineData("limits.cpu", "0-2,5", 4.0)]
    [InlineData("limits.cpu", "3-1", null)]
    [InlineData("limits.cpu", "x", null)]
    [InlineData("limits.cpu.allowance", "25ms/100ms", 0.25)]
    [InlineData("limits.cpu.allowance", "50%", null)]
    [InlineData("limits.cpu.allowance", "1ms/0ms", null)]
    public void CPU_time_is_read_as_the_servers_write_it(string key, string text, double? cpus) => Assert.Equal(cpus, ContainerRules.CpusOf(new Dictionary<string, string> { [key] = text }));
}
