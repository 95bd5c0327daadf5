using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>What calls mean, on a real server.</summary>
[Peer("lxd")]
public sealed class LxdClientTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 120_000)]
    [InlineData(ServerKind.Lxd, "5.0.2")]
    [InlineData(ServerKind.Incus, "6.0.4")]
    public async Task A_client_knows_what_it_is_connected_to(ServerKind kind, string version)
    {
        await using var client = await (await lab.GetAsync(kind)).ConnectAsync();
        Assert.Equal(kind == ServerKind.Incus, client.IsIncus);
        Assert.True(client.IsTrusted);
        Assert.Equal(version, client.Server.Environment!.ServerVersion);
        Assert.True(client.Offers("instances"));
        Assert.Equal(kind == ServerKind.Incus, client.Offers("network_load_balancer"));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_the_server_does_not_offer_is_not_sent()
    {
        await using var client = await (await lab.GetAsync(ServerKind.Lxd)).ConnectAsync();
        bool wasAnswered = false;
        client.Answered = (_, _) => wasAnswered = true;
        var error = await Assert.ThrowsAsync<HypervisorException>(() => client.NetworkLoadBalancersGetAsync("lxdbr0", cancellationToken: Token));
        Assert.Equal(ErrorCode.Unsupported, error.Code);
        Assert.Equal(RequestOutcome.NotSent, error.Outcome);
        Assert.Contains("network_load_balancer", error.Message, StringComparison.Ordinal);
        Assert.False(wasAnswered);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_change_of_another_revision_is_refused(ServerKind kind)
    {
        await using var client = await (await lab.GetAsync(kind)).ConnectAsync();
        await client.ProfilesPostAsync(new LxdProfilesPost { Name = "revised", Description = "first" }, cancellationToken: Token);
        var first = await client.ProfileGetAsync("revised", cancellationToken: Token);
        await client.ProfilePutAsync("revised", new LxdProfilePut { Description = "second" }, new LxdCall { IfMatch = first.Revision }, Token);
        var error = await Assert.ThrowsAsync<LxdException>(() => client.ProfilePutAsync("revised", new LxdProfilePut { Description = "third" }, new LxdCall { IfMatch = first.Revision }, Token));
        Assert.Equal(ErrorCode.Conflict, error.Code);
        Assert.Equal(412, error.Status);
        Assert.Equal("second", (await client.ProfileGetAsync("revised", cancellationToken: Token)).Value.Description);
        await client.ProfileDeleteAsync("revised", cancellationToken: Token);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_is_not_there_is_said_in_the_servers_words(ServerKind kind)
    {
        await using var client = await (await lab.GetAsync(kind)).ConnectAsync();
        var error = await Assert.ThrowsAsync<LxdException>(() => client.InstanceGetAsync("nobody", cancellationToken: Token));
        Assert.Equal(ErrorCode.NotFound, error.Code);
        Assert.Equal(RequestOutcome.Rejected, error.Outcome);
        Assert.EndsWith("Instance not found", error.BackendMessage, StringComparison.Ordinal);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Calls_are_for_the_project_of_the_options(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var client = await server.ConnectAsync();
        await client.ProjectsPostAsync(new LxdProjectsPost { Name = "mine", Config = new Dictionary<string, string> { ["features.profiles"] = "true" } }, cancellationToken: Token);
        await using var mine = await server.ConnectAsync("mine");
        await mine.ProfilesPostAsync(new LxdProfilesPost { Name = "only-mine" }, cancellationToken: Token);
        Assert.Contains("/1.0/profiles/only-mine?project=mine", (await mine.ProfilesGetAsync(cancellationToken: Token)).Value);
        Assert.DoesNotContain("/1.0/profiles/only-mine", (await client.ProfilesGetAsync(cancellationToken: Token)).Value);
        Assert.Equal("only-mine", (await client.ProfileGetAsync("only-mine", new LxdCall { Project = "mine" }, Token)).Value.Name);
        await mine.ProfileDeleteAsync("only-mine", cancellationToken: Token);
        await client.ProjectDeleteAsync("mine", cancellationToken: Token);
    }

    [Theory(Timeout = 120_000)]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".")]
    public async Task A_name_that_would_make_it_another_path_is_refused(string name)
    {
        await using var client = await (await lab.GetAsync(ServerKind.Lxd)).ConnectAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => client.InstanceDeleteAsync(name, cancellationToken: Token));
    }

    [Theory(Timeout = 120_000)]
    [InlineData("a/b")]
    [InlineData("a?project=other")]
    [InlineData("a#b\r\nX: y")]
    public async Task A_strange_name_stays_one_name(string name)
    {
        await using var client = await (await lab.GetAsync(ServerKind.Incus)).ConnectAsync();
        var error = await Assert.ThrowsAsync<LxdException>(() => client.ProfileGetAsync(name, cancellationToken: Token));
        Assert.True(error.Code == ErrorCode.NotFound || error.Code == ErrorCode.InvalidArgument, error.Message);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_an_operation_does_not_take_is_refused()
    {
        await using var client = await (await lab.GetAsync(ServerKind.Lxd)).ConnectAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => client.ProfileGetAsync("default", new LxdCall { Force = true }, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task Nobody_at_a_socket_is_said_so()
    {
        using var directory = new TempDirectory();
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => LxdClient.ConnectAsync(new LxdOptions { Server = directory["unix.socket"] }, Token));
        Assert.Equal(RequestOutcome.NotSent, error.Outcome);
        Assert.Equal(ErrorCode.Unavailable, error.Code);
    }
}
