using Hypervisor.Sdk.Remote.Sessions;

namespace Hypervisor.Sdk.Remote.Tests;

/// <summary>The events that wait here for the reader of a watch.</summary>
public sealed class EventQueueTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task More_events_than_may_wait_leave_a_gap_in_the_place_of_the_oldest()
    {
        var queue = new EventQueue(4);
        for (int i = 1; i <= 10; i++)
            queue.Offer(Deleted(i));
        queue.Complete();
        var seen = new List<BackendEvent>();
        while (await queue.TakeAsync(Token) is { } next)
            seen.Add(next);
        var gap = Assert.IsType<EventGap>(seen[0]);
        Assert.Equal("6", gap.Position.ToString());
        Assert.Equal(["7", "8", "9", "10"], seen.Skip(1).Select(next => next.Position.ToString()));
    }

    [Fact(Timeout = 60_000)]
    public async Task What_is_handed_over_waits_for_its_reader_and_is_never_dropped()
    {
        var queue = new EventQueue(1);
        var first = queue.HandOverAsync(Deleted(1), Token);
        Assert.False(first.IsCompleted);
        Assert.Equal("1", (await queue.TakeAsync(Token))!.Position.ToString());
        await first;
        queue.Complete(new HypervisorException("Over.", ErrorCode.Unavailable, RequestOutcome.Rejected));
        await Assert.ThrowsAsync<HypervisorException>(async () => await queue.TakeAsync(Token));
    }

    private static InstanceDeleted Deleted(int position) => new() { At = DateTimeOffset.UnixEpoch, Position = EventPosition.Parse(position.ToString(System.Globalization.CultureInfo.InvariantCulture)), Id = InstanceId.Parse("x") };
}
