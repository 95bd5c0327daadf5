namespace Hypervisor.Sdk.Drivers.Tests;

public sealed class PlanAndListTests
{
    private static readonly NamingRules s_naming = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Instance Web { get; } = new()
    {
        Id = InstanceId.Parse("1"), Incarnation = Incarnation.Parse("i"), Name = "web", Kind = InstanceKind.VirtualMachine, State = PowerState.Stopped, Revision = Revision.Parse("1"),
        Labels = new Dictionary<string, string> { ["tier"] = "front" }, Description = "one",
    };

    [Fact]
    public void A_plan_has_a_step_for_what_changes_and_none_for_what_is_so()
    {
        var change = new InstanceChange { Name = InstanceName.Parse("www"), Description = "one" };
        change.Labels["tier"] = null;
        change.Labels["zone"] = "a";
        Assert.Equal(["name web->www", "label:tier front->", "label:zone ->a"], SimplePlan.Steps(Web, change, s_naming).Select(step => $"{step.Property} {step.From}->{step.To}"));
        Assert.Equal(ErrorCode.AlreadyExists, Assert.Throws<HypervisorException>(() => SimplePlan.Steps(Web, change, s_naming, _ => true)).Code);
        var bad = Assert.Throws<HypervisorException>(() => SimplePlan.Steps(Web, new InstanceChange { Name = InstanceName.Parse("WWW") }, s_naming));
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (bad.Code, bad.Outcome));
    }

    [Fact]
    public void A_plan_that_is_stale_impossible_or_not_accepted_is_refused()
    {
        Assert.Equal(ErrorCode.Conflict, Refused(Plan("1"), Plan("2"), null));
        var impossible = new InstanceChange();
        impossible.RemoveDevices.Add(DeviceId.Parse("disk0"));
        Assert.Equal(ErrorCode.Unsupported, Refused(Plan("1"), Plan("1", [.. SimplePlan.Impossible(impossible, "It has no devices.")]), null));
        var restart = new PlannedStep { Property = "memory", Effects = ChangeEffects.RestartsInstance };
        Assert.Equal(ErrorCode.InvalidArgument, Refused(Plan("1"), Plan("1", restart), null));
        SimplePlan.Refuse(Plan("1"), Plan("1", restart), new ApplyOptions { Accept = ChangeEffects.RestartsInstance });
    }

    [Fact]
    public async Task A_list_goes_on_after_the_last_id_whatever_went_before_it()
    {
        var there = new List<string> { "a", "c", "b", "d" };
        var list = new OrderedList<string>(_ => Task.FromResult<IReadOnlyCollection<string>>([.. there]), item => item);
        var first = await list.GetPageAsync(null, 2, Token);
        Assert.Equal(["a", "b"], first.Items);
        there.Remove("a");
        there.Add("aa");
        var second = await list.GetPageAsync(first.Continuation, 2, Token);
        Assert.Equal(["c", "d"], second.Items);
        Assert.Null(second.Continuation);
        await Assert.ThrowsAsync<ArgumentException>(() => list.GetPageAsync("b", 2, Token));
    }

    private static ErrorCode Refused(ChangePlan plan, ChangePlan again, ApplyOptions? options) => Assert.Throws<HypervisorException>(() => SimplePlan.Refuse(plan, again, options)).Code;

    private static ChangePlan Plan(string revision, params PlannedStep[] steps) =>
        new() { Instance = new InstanceRef(BackendName.Parse("toy"), Web.Id), BasedOn = Revision.Parse(revision), Change = new InstanceChange(), Steps = steps };
}
