namespace Hypervisor.Sdk;

/// <summary>What virtual machines and containers have in common, each call through the pipeline.</summary>
internal class ComputeCalls(ICompute inner, CallPipeline calls) : ICompute
{
    protected CallPipeline Calls => calls;

    public PagedList<Instance> List(InstanceFilter? filter = null) =>
        calls.Pages(new("compute.list", null, null, false), inner.List(filter));

    public Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("compute.find", id, null, false), (inner, id), static (s, token) => s.inner.FindAsync(s.id, token), cancellationToken);

    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("compute.start", id, request, true), (inner, id, request), static (s, token) => s.inner.StartAsync(s.id, s.request, token), cancellationToken);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("compute.stop", id, request, true), (inner, id, options, request), static (s, token) => s.inner.StopAsync(s.id, s.options, s.request, token), cancellationToken);

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("compute.restart", id, request, true), (inner, id, options, request), static (s, token) => s.inner.RestartAsync(s.id, s.options, s.request, token), cancellationToken);

    public Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("compute.delete", id, request, true), (inner, id, options, request), static (s, token) => s.inner.DeleteAsync(s.id, s.options, s.request, token), cancellationToken);

    public Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("compute.plan", id, null, false), (inner, id, change), static (s, token) => s.inner.PlanAsync(s.id, s.change, token), cancellationToken);

    public Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("compute.apply", plan.Instance.Id, request, true), (inner, plan, options, request), static (s, token) => s.inner.ApplyAsync(s.plan, s.options, s.request, token), cancellationToken);

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("compute.watch", null, null, false), (inner, options), static (s, token) => s.inner.WatchAsync(s.options, token), cancellationToken);
}
