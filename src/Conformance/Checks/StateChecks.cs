using Hypervisor.Sdk.Conformance.LifeCycle;

namespace Hypervisor.Sdk.Conformance;

/// <summary>STATE: every operation in every state, as the table of the life cycle says.</summary>
internal static class StateChecks
{
    private const int FirstOfMaking = 11;

    public static IReadOnlyList<ConformanceCheck> All { get; } = [.. Of(isPower: true, first: 1), .. Of(isPower: false, FirstOfMaking)];

    private static IEnumerable<ConformanceCheck> Of(bool isPower, int first) => LifeCycleTable.States.Select((state, index) => new ConformanceCheck
    {
        Id = FormattableString.Invariant($"STATE-{first + index:00}"),
        Sentence = $"Of an instance that is {(state == LifeCycleTable.Template ? "a template" : state)}, {(isPower ? "starting, stopping and deleting" : "changing, keeping and copying")} it end as the table of the life cycle says (refused: invalid-state, rejected, and nothing has changed). {LifeCycleTable.Describe(state, isPower)}.",
        Needs = NeedsOf(state),
        Body = c => LifeCycleWalk.RunAsync(c, state, isPower),
    });

    private static CheckNeed[] NeedsOf(string state) => state switch
    {
        "paused" => [CheckNeed.Compute, CheckNeed.Of<IPausing>()],
        "suspended" => [CheckNeed.Compute, CheckNeed.Of<ISuspendToDisk>()],
        "crashed" => [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.CrashGuests)],
        LifeCycleTable.Template => [CheckNeed.Compute, CheckNeed.Of<ITemplates>()],
        _ => [CheckNeed.Compute],
    };
}
