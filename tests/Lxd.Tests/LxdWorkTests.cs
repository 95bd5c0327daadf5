using System.Text.Json;
using Hypervisor.Sdk.Lxd.Operations;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Background work of real servers as operations.</summary>
[Peer("lxd")]
public sealed class LxdWorkTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Work_is_followed_to_its_end_and_resumed_by_its_token(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var client = await server.ConnectAsync();
        await using var other = await server.ConnectAsync();
        var request = RequestId.New();
        var operation = client.Follow(await BeginCreateAsync(client, server, "followed", request), new LxdFollowOptions { RequestId = request });
        Assert.Equal(request, operation.RequestId);

        // The other one need not be faster than the end of the work, only than the server's forgetting, which the log makes good.
        var options = new LxdFollowOptions { Log = new LxdRequestLog(other) };
        var resumed = await other.ResumeAsync(OperationToken.Parse(operation.Token!.Value.ToString()), options, Token);
        Assert.Equal(request, resumed!.RequestId);
        var moments = await operation.WatchAsync(Token).ToListAsync(Token);
        Assert.All(moments.SkipLast(1), moment => Assert.Equal(OperationState.Running, moment.State));
        Assert.True(moments[^1].State is OperationState.Succeeded or OperationState.Unknown, $"{moments[^1].State}");
        await resumed.WaitAsync(Token);
        Assert.Equal(OperationState.Succeeded, (await resumed.GetProgressAsync(Token)).State);
        await client.WaitAsync((await client.InstanceDeleteAsync("followed", cancellationToken: Token)).Id!, "deleting", Token);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_the_server_has_dropped_is_settled_by_what_the_request_left(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var client = await server.ConnectAsync();
        var (request, log) = (RequestId.New(), new LxdRequestLog(client));
        Assert.Equal(RequestState.NeverSeen, (await log.LookUpAsync(request, Token)).State);
        var begun = await BeginCreateAsync(client, server, "settled", request);
        var token = client.Follow(begun, new LxdFollowOptions { RequestId = request }).Token!.Value;
        await DroppedAsync(client, begun.Id!);

        var lookup = await log.LookUpAsync(request, Token);
        Assert.Equal(RequestState.Succeeded, lookup.State);
        Assert.Equal("settled", lookup.Instance.ToString());
        var settled = await client.ResumeAsync(token, new LxdFollowOptions { Log = log }, Token);
        Assert.Equal(200, (await settled!.WaitAsync(Token)).StatusCode);
        Assert.Equal(OperationState.Succeeded, (await settled.WatchAsync(Token).ToListAsync(Token))[^1].State);
        Assert.False(await settled.TryCancelAsync(Token));

        // Without a log nobody knows, and that is said.
        Assert.Null(await client.ResumeAsync(token, cancellationToken: Token));
        var unknown = client.Follow(begun, new LxdFollowOptions { RequestId = request });
        Assert.Equal(OperationState.Unknown, (await unknown.GetProgressAsync(Token)).State);
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<HypervisorException>(() => unknown.WaitAsync(Token))).Outcome);
        await client.WaitAsync((await client.InstanceDeleteAsync("settled", cancellationToken: Token)).Id!, "deleting", Token);
        Assert.Equal(RequestState.NeverSeen, (await log.LookUpAsync(request, Token)).State);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Work_that_fails_says_why_and_other_work_can_be_cancelled(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var client = await server.ConnectAsync();
        var request = RequestId.New();
        await client.Follow(await BeginCreateAsync(client, server, "failing", request), new LxdFollowOptions { RequestId = request, Log = new LxdRequestLog(client) }).WaitAsync(Token);
        var error = await ErrorAsync(async () => await client.Follow(await client.InstanceStatePutAsync("failing", new LxdInstanceStatePut { Action = "stop" }, cancellationToken: Token)).WaitAsync(Token));
        Assert.Equal(ErrorCode.InvalidState, error.Code);
        await client.WaitAsync((await client.InstanceDeleteAsync("failing", cancellationToken: Token)).Id!, "deleting", Token);

        // The secret of an image waits for a server that fetches it, until somebody takes it back.
        error = await ErrorAsync(async () =>
        {
            var secret = client.Follow(await client.ImagesSecretPostAsync(server.Image, cancellationToken: Token));
            Assert.Equal(OperationState.Running, (await secret.GetProgressAsync(Token)).State);
            Assert.True(await secret.TryCancelAsync(Token));
            Assert.False(await secret.TryCancelAsync(Token));
            await secret.WaitAsync(Token);
        });
        Assert.Equal(ErrorCode.Cancelled, error.Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_token_of_another_backend_or_of_another_form_is_misuse()
    {
        await using var client = await (await lab.GetAsync(ServerKind.Incus)).ConnectAsync();
        string value = $"{Guid.NewGuid()}/{RequestId.New()}";
        foreach (string token in new[] { $"v1/other/{value}", $"v2/lxd/{value}", "v1/lxd/nothing", $"v1/lxd/..%2F/{RequestId.New()}" })
            await Assert.ThrowsAsync<ArgumentException>(() => client.ResumeAsync(OperationToken.Parse(token), cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(() => client.ResumeAsync(default, cancellationToken: Token));
        Assert.Null(await client.ResumeAsync(OperationToken.Parse($"v1/lxd/{value}"), cancellationToken: Token));
    }

    [Theory]
    [InlineData("""{"progress":{"percent":"45","speed":"1000","stage":"unpack"}}""", 0.45)]
    [InlineData("""{"download_progress":"rootfs: 7% (1.20MB/s)"}""", 0.07)]
    [InlineData("""{"create_instance_from_image_unpack_progress":"Unpack: 100% (9GB/s)"}""", 1.0)]
    [InlineData("""{"download_progress":"rootfs: 1.20MB (3MB/s)"}""", null)]
    [InlineData("""{"download_progress":"%"}""", null)]
    [InlineData("""{"progress":{"percent":"101"}}""", null)]
    [InlineData("""{"fds":{"0":"a"}}""", null)]
    public void The_share_that_is_done_is_read_from_the_servers_words(string metadata, double? share) =>
        Assert.Equal(share, LxdWork.FractionOf(JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(metadata)));

    private static Task<LxdOperation> BeginCreateAsync(LxdClient client, PrivateServer server, string name, RequestId request) => client.InstancesPostAsync(
        new LxdInstancesPost
        {
            Name = name, Source = new LxdInstanceSource { Type = "image", Fingerprint = server.Image }, Config = new Dictionary<string, string> { [LxdRequestLog.KeyOf(request)] = LxdRequestLog.Create },
        },
        cancellationToken: Token);

    /// <summary>What work fails by. Begun again where the server had dropped it before it was asked.</summary>
    private static async Task<HypervisorException> ErrorAsync(Func<Task> work)
    {
        while (true)
        {
            var error = await Assert.ThrowsAnyAsync<HypervisorException>(work);
            if (error.Outcome != RequestOutcome.Unknown)
                return error;
        }
    }

    /// <summary>Waits until an operation has ended and the server has dropped it, which it does by itself some seconds later.</summary>
    private static async Task DroppedAsync(LxdClient client, string id)
    {
        await client.WaitAsync(id, "the work", Token);
        while (true)
        {
            try
            {
                await client.OperationGetAsync(id, cancellationToken: Token);
                await Task.Delay(TimeSpan.FromMilliseconds(200), Token);
            }
            catch (LxdException error) when (error.Code == ErrorCode.NotFound)
            {
                return;
            }
        }
    }
}
