namespace Hypervisor.Sdk.Conformance;

/// <summary>A way to find out whether what is answered to a capability is so.</summary>
/// <param name="Capability">What is asked.</param>
/// <param name="What">What is tried, in words.</param>
/// <param name="Body">Tries it.</param>
internal sealed record CapabilityExercise(Capability Capability, string What, Func<CheckContext, InstanceSpec, Task> Body)
{
    /// <summary>What is needed to try it. Default: instances.</summary>
    public CheckNeed[] Needs { get; init; } = [CheckNeed.Compute];

    /// <summary>What it is tried with. Default: the smallest instance, or where there is a condition, one that meets it.</summary>
    public Func<CheckContext, Capability, CapabilityAnswer, InstanceSpec?> Spec { get; init; } = Meeting;

    private static InstanceSpec? Meeting(CheckContext c, Capability capability, CapabilityAnswer answer) =>
        answer.Support != CapabilitySupport.Conditional ? c.NewSpec() : c.Target.NewInstanceFor(capability, c.NewName()) ?? throw new CheckSkippedException($"The target cannot meet the condition: {answer.Reason}");
}
