namespace Hypervisor.Sdk.Drivers.Tests;

/// <summary>The lanes of drivers that let one at a time change an instance.</summary>
public sealed class InstanceLanesTests
{
    [Theory]
    [InlineData(LaneMode.Shared)]
    [InlineData(LaneMode.Exclusive)]
    public async Task What_is_changed_is_held_alone_and_the_source_of_a_clone_as_the_driver_says(LaneMode sources)
    {
        var (lanes, token) = (new InstanceLanes(sources), TestContext.Current.CancellationToken);
        var changed = Assert.Single(await lanes.GetClaimsAsync(new LaneQuery { Action = "power", Instance = InstanceId.Parse("a") }, token));
        Assert.Equal(("instance:a", LaneMode.Exclusive), (changed.Key.ToString(), changed.Mode));
        var cloned = Assert.Single(await lanes.GetClaimsAsync(new LaneQuery { Action = "clone", Source = InstanceId.Parse("a") }, token));
        Assert.Equal(("instance:a", sources), (cloned.Key.ToString(), cloned.Mode));
        Assert.Empty(await lanes.GetClaimsAsync(new LaneQuery { Action = "create" }, token));
    }
}
