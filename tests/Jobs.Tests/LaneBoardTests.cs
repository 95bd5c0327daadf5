using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Who may run beside whom.</summary>
public sealed class LaneBoardTests
{
    [Fact]
    public void A_shared_lane_takes_as_many_as_its_capacity()
    {
        var board = new LaneBoard();
        Assert.True(board.TryTake([Shared("node:pve1", 4, 3)]));
        Assert.False(board.TryTake([Shared("node:pve1", 4, 2)]));
    }

    [Fact]
    public void Nobody_overtakes_who_waits_in_the_same_lane()
    {
        var board = new LaneBoard();
        board.Hold(Exclusive("instance:web1"));
        Assert.False(board.TryTake([Exclusive("instance:web1"), Shared("template:9000")]));
        Assert.False(board.TryTake([Shared("template:9000")]));
        Assert.True(board.TryTake([Exclusive("instance:web2")]));
    }

    [Fact]
    public void Who_has_to_wait_for_one_lane_holds_none()
    {
        var board = new LaneBoard();
        board.Hold(Exclusive("a"));
        Assert.False(board.TryTake([Exclusive("a"), Exclusive("b")]));
        var next = new LaneBoard();
        Assert.True(next.TryTake([Exclusive("b")]));
    }

    [Fact]
    public void A_template_is_shared_until_somebody_wants_it_alone()
    {
        var board = new LaneBoard();
        Assert.True(board.TryTake([Shared("template:9000")]));
        Assert.True(board.TryTake([Shared("template:9000")]));
        Assert.False(board.TryTake([Exclusive("template:9000")]));
        Assert.False(board.TryTake([Shared("template:9000")]));
    }

    private static LaneClaim Shared(string key, int? capacity = null, int weight = 1) => new() { Key = LaneKey.Parse(key), Mode = LaneMode.Shared, Capacity = capacity, Weight = weight };

    private static LaneClaim Exclusive(string key) => new() { Key = LaneKey.Parse(key), Mode = LaneMode.Exclusive };
}
