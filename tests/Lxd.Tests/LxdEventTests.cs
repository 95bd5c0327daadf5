using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>What real servers tell of by themselves.</summary>
[Peer("lxd")]
public sealed class LxdEventTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_happens_after_a_watch_was_confirmed_is_told(ServerKind kind)
    {
        await using var client = await (await lab.GetAsync(kind)).ConnectAsync();
        for (int i = 0; i < 20; i++)
        {
            // A server that listened a moment later would miss it.
            string name = $"told-{i}";
            await using var events = await client.WatchAsync(new LxdEventOptions { Types = [LxdEventOptions.LifecycleEvents] }, Token);
            await client.ProfilesPostAsync(new LxdProfilesPost { Name = name }, cancellationToken: Token);
            var told = await UntilAsync(events, told => Text(told, "source")?.StartsWith($"/1.0/profiles/{name}", StringComparison.Ordinal) is true);
            Assert.Equal("profile-created", Text(told, "action"));
            Assert.NotNull(told.Timestamp);
            await client.ProfileDeleteAsync(name, cancellationToken: Token);
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Events_of_other_projects_are_told_where_they_are_asked_for(ServerKind kind)
    {
        await using var client = await (await lab.GetAsync(kind)).ConnectAsync();
        await client.ProjectsPostAsync(new LxdProjectsPost { Name = "told", Config = new Dictionary<string, string> { ["features.profiles"] = "true" } }, cancellationToken: Token);
        await using var events = await client.WatchAsync(new LxdEventOptions { Types = [LxdEventOptions.LifecycleEvents], AllProjects = true }, Token);
        await client.ProfilesPostAsync(new LxdProfilesPost { Name = "elsewhere" }, new LxdCall { Project = "told" }, Token);
        var told = await UntilAsync(events, told => Text(told, "action") == "profile-created" && Text(told, "source")!.Contains("elsewhere", StringComparison.Ordinal));
        Assert.Equal("told", told.Project);
        await client.ProfileDeleteAsync("elsewhere", new LxdCall { Project = "told" }, Token);
        await client.ProjectDeleteAsync("told", cancellationToken: Token);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_lost_connection_is_a_gap_and_not_the_end(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        using var directory = new TempDirectory();
        await using var relay = new HttpRelay(directory["relay"], server.Socket);
        await using var client = await LxdClient.ConnectAsync(new LxdOptions { Server = relay.Path }, Token);
        await using var events = await client.WatchAsync(new LxdEventOptions { Types = [LxdEventOptions.LifecycleEvents] }, Token);
        var reader = ((IAsyncEnumerable<LxdNews>)events).GetAsyncEnumerator(Token);
        relay.Break();
        while (await reader.MoveNextAsync() && !reader.Current.IsGap)
            continue;
        Assert.Contains("was lost", reader.Current.Gap, StringComparison.Ordinal);

        // After the gap the server listens again.
        await using var other = await server.ConnectAsync();
        await other.ProfilesPostAsync(new LxdProfilesPost { Name = "after-the-gap" }, cancellationToken: Token);
        while (await reader.MoveNextAsync() && Text(reader.Current.Event!, "action") != "profile-created")
            continue;
        Assert.Contains("after-the-gap", Text(reader.Current.Event!, "source"), StringComparison.Ordinal);
        await other.ProfileDeleteAsync("after-the-gap", cancellationToken: Token);
    }

    [Fact(Timeout = 300_000)]
    public async Task A_slow_reader_is_told_a_gap_and_then_the_newest()
    {
        await using var client = await (await lab.GetAsync(ServerKind.Incus)).ConnectAsync();
        await using var all = await client.WatchAsync(new LxdEventOptions { Types = [LxdEventOptions.LifecycleEvents] }, Token);
        await using var slow = await client.WatchAsync(new LxdEventOptions { Types = [LxdEventOptions.LifecycleEvents], Capacity = 1 }, Token);
        for (int i = 0; i < 3; i++)
            await client.ProfilesPostAsync(new LxdProfilesPost { Name = $"slow-{i}" }, cancellationToken: Token);
        await UntilAsync(all, told => Text(told, "source")!.Contains("slow-2", StringComparison.Ordinal));
        for (int i = 0; i < 3; i++)
            await client.ProfileDeleteAsync($"slow-{i}", cancellationToken: Token);

        // One of the events that came after the first has pushed it out by the time that the last one is read.
        bool hadGap = false;
        await foreach (var news in slow)
        {
            hadGap |= news.IsGap;
            if (!news.IsGap && Text(news.Event, "action") == "profile-deleted" && Text(news.Event, "source")!.Contains("slow-2", StringComparison.Ordinal))
                break;
        }

        Assert.True(hadGap);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_stream_is_read_once_and_ends_when_it_is_disposed()
    {
        await using var client = await (await lab.GetAsync(ServerKind.Incus)).ConnectAsync();
        var events = await client.WatchAsync(null, Token);
        await using var reader = events.GetAsyncEnumerator(Token);
        Assert.Throws<InvalidOperationException>(() => events.GetAsyncEnumerator(Token));
        await events.DisposeAsync();
        await events.DisposeAsync();
        while (await reader.MoveNextAsync())
            Assert.False(reader.Current.IsGap);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_cannot_be_heard_is_misuse()
    {
        await using var client = await (await lab.GetAsync(ServerKind.Incus)).ConnectAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => client.WatchAsync(new LxdEventOptions { Types = [] }, Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => client.WatchAsync(new LxdEventOptions { Capacity = 0 }, Token));
    }

    private static string? Text(LxdEvent told, string field) => told.Metadata is { } metadata && metadata.TryGetProperty(field, out var value) ? value.GetString() : null;

    private static async Task<LxdEvent> UntilAsync(LxdEventStream events, Func<LxdEvent, bool> isIt)
    {
        await foreach (var news in events)
        {
            Assert.False(news.IsGap, news.Gap);
            if (isIt(news.Event))
                return news.Event;
        }

        throw new InvalidOperationException("The stream of events ended.");
    }
}
