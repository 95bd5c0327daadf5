using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.Testing.Jobs;

/// <summary>Where jobs make machines.</summary>
/// <param name="Backend">The backend. It has a log of requests.</param>
/// <param name="Machines">Its machines or containers.</param>
/// <param name="CreateAsync">Makes one of a name, as small as can be.</param>
public sealed record MachineSite(IBackend Backend, ICompute Machines, Func<string, RequestOptions, Task<Operation<Instance>>> CreateAsync)
{
    /// <summary>What a job means for the lanes. Default: it makes a machine of nothing that is there.</summary>
    public Func<MachineJob, LaneQuery> Work { get; init; } = static _ => new LaneQuery { Action = "create" };
}
