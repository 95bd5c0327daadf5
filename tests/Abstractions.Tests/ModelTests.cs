namespace Hypervisor.Sdk.Abstractions.Tests;

public sealed class ModelTests
{
    private sealed class Machine : ISpecExtension
    {
        public string BackendKind => "toy";

        public string Type { get; init; } = "";
    }

    [Fact]
    public void Not_mentioned_is_not_cleared()
    {
        var change = new InstanceChange();
        Assert.False(change.Description.IsSet);
        Assert.Throws<InvalidOperationException>(() => change.Description.Value);
        change.Description = (string?)null;
        Assert.True(change.Description.IsSet);
        Assert.Null(change.Description.Value);
        Assert.NotEqual(default, change.Description);
    }

    [Fact]
    public void A_plan_has_the_effects_of_all_its_steps_and_is_possible_when_each_is()
    {
        var plan = Plan(new PlannedStep { Property = "memory", Effects = ChangeEffects.Live }, new PlannedStep { Property = "cpus", Effects = ChangeEffects.AtNextStart });
        Assert.Equal(ChangeEffects.Live | ChangeEffects.AtNextStart, plan.Effects);
        Assert.True(plan.IsPossible);
        Assert.False(Plan(new PlannedStep { Property = "disk:a", Impossible = "It would shrink." }).IsPossible);
        Assert.Equal(ChangeEffects.None, Plan().Effects);
    }

    [Fact]
    public void An_extension_is_found_by_its_type_and_replaced_by_the_next()
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("web1"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) };
        Assert.False(spec.Extensions.TryGet<Machine>(out _));
        spec.Extensions.Set(new Machine { Type = "a" });
        spec.Extensions.Set(new Machine { Type = "b" });
        Assert.True(spec.Extensions.TryGet<Machine>(out var machine));
        Assert.Equal("b", machine.Type);
        Assert.Single(spec.Extensions.All);
    }

    [Fact]
    public void A_filter_wants_everything_that_it_names()
    {
        var instance = new Instance
        {
            Id = InstanceId.Parse("1"), Incarnation = Incarnation.Parse("i"), Name = "web1", Kind = InstanceKind.VirtualMachine, State = PowerState.Running, Revision = Revision.Parse("1"),
            Labels = new Dictionary<string, string> { ["role"] = "web" },
        };
        Assert.True(new InstanceFilter().Matches(instance));
        Assert.True(new InstanceFilter { State = PowerState.Running, Name = "web1", Labels = new Dictionary<string, string> { ["role"] = "web" }, IsTemplate = false }.Matches(instance));
        Assert.False(new InstanceFilter { State = PowerState.Stopped, Name = "web1" }.Matches(instance));
        Assert.False(new InstanceFilter { Labels = new Dictionary<string, string> { ["role"] = "db" } }.Matches(instance));
        Assert.False(new InstanceFilter { IsTemplate = true }.Matches(instance));
        Assert.False(new InstanceFilter { Node = NodeName.Parse("a") }.Matches(instance));
    }

    [Fact]
    public async Task A_list_fetches_its_pages_only_as_it_is_read()
    {
        var list = new Numbers();
        await using var reader = list.GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.Equal(0, list.PagesFetched);
        for (int i = 0; i < 3; i++)
        {
            Assert.True(await reader.MoveNextAsync());
            Assert.Equal(i, reader.Current);
        }

        Assert.Equal(2, list.PagesFetched);
        Assert.True(await reader.MoveNextAsync());
        Assert.False(await reader.MoveNextAsync());
        Assert.Equal(3, list.PagesFetched);
    }

    [Fact]
    public void A_capability_answer_names_its_reason_and_unknown_is_no()
    {
        Assert.Equal(CapabilitySupport.No, default(CapabilityAnswer).Support);
        Assert.NotNull(default(CapabilityAnswer).Reason);
        Assert.Null(CapabilityAnswer.Yes.Reason);
        Assert.Equal("no KVM", CapabilityAnswer.No("no KVM").Reason);
        Assert.Throws<ArgumentException>(() => CapabilityAnswer.Conditional(""));
    }

    private static ChangePlan Plan(params PlannedStep[] steps) =>
        new() { Instance = InstanceRef.Parse("local/1"), BasedOn = Revision.Parse("1"), Change = new InstanceChange(), Steps = steps };

    /// <summary>0, 1 | nothing but a continuation, 2 | 3.</summary>
    private sealed class Numbers : PagedList<int>
    {
        private static readonly int[][] s_pages = [[0, 1], [2], [3]];

        public int PagesFetched { get; private set; }

        public override Task<Page<int>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default)
        {
            int page = PagesFetched++;
            Assert.Equal(page == 0 ? null : $"{page}", continuation);
            return Task.FromResult(new Page<int> { Items = s_pages[page], Continuation = page < 2 ? $"{page + 1}" : null });
        }
    }
}
