using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Hypervisor.Sdk.Remote.Tests;

/// <summary>What drivers say to others of their kind: over one connection, and from one served backend to another through the process that has connected both.</summary>
public sealed class ChannelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_channel_carries_bytes_both_ways_until_either_end_has_sent_all()
    {
        var channels = new Echo();
        await using var link = await Link.OpenAsync(_ => new ServiceBackend(channels));
        Assert.True(link.Client.TryGet<IBackendChannels>(out var remote));
        await using (var channel = await remote.OpenAsync("echo", "hello "u8.ToArray(), Token))
        {
            byte[] much = new byte[3 << 20];
            Random.Shared.NextBytes(much);
            var sending = Task.Run(
                async () =>
                {
                    await channel.Output.WriteAsync(much, Token);
                    await channel.Output.CompleteAsync();
                },
                Token);
            byte[] seen = await ReadAllAsync(channel.Input);
            await sending;
            Assert.Equal([.. "hello "u8, .. much], seen);
        }

        var refused = await Assert.ThrowsAsync<HypervisorException>(() => remote.OpenAsync("other", default, Token));
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_channel_that_is_disposed_or_whose_way_is_lost_ends_at_the_other_end_too()
    {
        var channels = new Echo();
        await using var link = await Link.OpenAsync(_ => new ServiceBackend(channels));
        var channel = await link.Client.Get<IBackendChannels>().OpenAsync("echo", default, Token);
        await channel.DisposeAsync();
        await channels.Ended.Task.WaitAsync(Token);

        channels.Ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var lost = await link.Client.Get<IBackendChannels>().OpenAsync("echo", default, Token);
        var reading = ReadAllAsync(lost.Input);
        link.Way.Cut();
        await Assert.ThrowsAsync<BackendConnectionException>(() => reading.WaitAsync(Token));
        await channels.Ended.Task.WaitAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_served_backend_reaches_another_one_through_the_process_that_has_connected_both()
    {
        Func<BackendName, CancellationToken, ValueTask<IBackend>>? find = null;
        await using var target = await Link.OpenAsync(_ => new ServiceBackend(new Echo()));
        await using var source = await Link.OpenAsync(
            opening =>
            {
                find = opening.FindBackend;
                return new ServiceBackend();
            },
            options => options.FindBackend = (name, _) => name.ToString() switch
            {
                "target" => ValueTask.FromResult<IBackend>(target.Client),
                "plain" => ValueTask.FromResult<IBackend>(new ServiceBackend()),
                _ => throw new HypervisorException($"There is no backend '{name}'.", ErrorCode.NotFound, RequestOutcome.NotSent),
            });
        var found = await find!(BackendName.Parse("target"), Token);
        Assert.Equal(("target", "test", BackendConnectionState.Connected), (found.Name.ToString(), found.Info.Kind, found.ConnectionState));
        Assert.True((await found.CheckHealthAsync(Token)).IsHealthy);
        Assert.False(found.TryGet<IHypervisor>(out _));
        await using (var channel = await found.Get<IBackendChannels>().OpenAsync("echo", "through "u8.ToArray(), Token))
        {
            await channel.Output.WriteAsync("two connections"u8.ToArray(), Token);
            await channel.Output.CompleteAsync();
            Assert.Equal("through two connections", Encoding.UTF8.GetString(await ReadAllAsync(channel.Input)));
        }

        Assert.False((await find(BackendName.Parse("plain"), Token)).TryGet<IBackendChannels>(out _));
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => find(BackendName.Parse("nobody"), Token).AsTask())).Code);

        // When the process is gone that has both, so is the channel.
        await using var left = await found.Get<IBackendChannels>().OpenAsync("echo", default, Token);
        var reading = ReadAllAsync(left.Input);
        source.Way.Cut();
        await Assert.ThrowsAsync<BackendConnectionException>(() => reading.WaitAsync(Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_process_that_does_not_say_how_to_find_others_is_asked_in_vain()
    {
        Func<BackendName, CancellationToken, ValueTask<IBackend>>? find = null;
        await using var link = await Link.OpenAsync(opening =>
        {
            find = opening.FindBackend;
            return new ServiceBackend();
        });
        Assert.False(link.Client.TryGet<IBackendChannels>(out _));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => find!(BackendName.Parse("other"), Token).AsTask());
        Assert.Equal(ErrorCode.NotFound, error.Code);
        Assert.Contains("FindBackend", error.Message, StringComparison.Ordinal);
    }

    private static async Task<byte[]> ReadAllAsync(PipeReader reader)
    {
        var seen = new MemoryStream();
        await reader.CopyToAsync(seen, Token);
        return seen.ToArray();
    }

    /// <summary>Says its greeting, then what it hears.</summary>
    private sealed class Echo : IBackendChannels
    {
        public TaskCompletionSource Ended { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<BackendChannel> OpenAsync(string name, ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken = default)
        {
            if (name != "echo")
                throw new HypervisorException($"There is no channel '{name}'.", ErrorCode.Unsupported, RequestOutcome.Rejected);
            var (own, other) = BackendChannel.CreatePair();
            _ = EchoAsync(own, greeting);
            return Task.FromResult(other);
        }

        private async Task EchoAsync(BackendChannel channel, ReadOnlyMemory<byte> greeting)
        {
            try
            {
                await channel.Output.WriteAsync(greeting);
                await channel.Input.CopyToAsync(channel.Output);
            }
            finally
            {
                await channel.DisposeAsync();
                Ended.TrySetResult();
            }
        }
    }
}
