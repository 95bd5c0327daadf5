using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.Testing.Jobs;

/// <summary>Where jobs make machines.</summary>
/// <param name="Backend">The backend. It has a log of requests.</param>
/// <param name="Machines">Its machines or containers.</param>
/// <param name="CreateAsync">Makes one of a name, as small as can be.</param>
public sealed record MachineSite(IBackend Backend, ICompute Machines, Func<string, RequestOptions, Task<Operation<Instance>>> CreateAsync)
{
    /// <summary>What making one means for the lanes; the source where it is a clone.</summary>
    public LaneQuery Work { get; init; } = new() { Action = "create" };

    internal BackendWork BackendWork => new(Backend, Work);
}
