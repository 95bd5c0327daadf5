namespace Hypervisor.Sdk;

/// <summary>Shorter ways to say what <see cref="ICompute"/> says.</summary>
public static class ComputeExtensions
{
    /// <summary>One instance, which must be there.</summary>
    /// <exception cref="HypervisorException">There is none of that id (<see cref="ErrorCode.NotFound"/>).</exception>
    public static async Task<Instance> GetAsync(this ICompute compute, InstanceId id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(compute);
        return await compute.FindAsync(id, cancellationToken).ConfigureAwait(false)
            ?? throw new HypervisorException($"There is no instance '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {id}" };
    }

    /// <summary>Plans a change and carries it out in one go.</summary>
    /// <param name="compute">The role.</param>
    /// <param name="id">The instance.</param>
    /// <param name="change">What to change.</param>
    /// <param name="options">Which effects are accepted; live ones only when null.</param>
    /// <param name="request">The identity of this request.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public static async Task<Operation<Instance>> ChangeAsync(this ICompute compute, InstanceId id, InstanceChange change, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(compute);
        var plan = await compute.PlanAsync(id, change, cancellationToken).ConfigureAwait(false);
        return await compute.ApplyAsync(plan, options, request, cancellationToken).ConfigureAwait(false);
    }
}
