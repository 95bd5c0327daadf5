using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary>What virtual machines and containers have in common, over there.</summary>
internal class RemoteCompute(RemoteCalls calls, string word) : ICompute
{
    protected RemoteCalls Calls => calls;

    public PagedList<Instance> List(InstanceFilter? filter = null) => new RemotePages<Instance>(() => calls.Ask($"{word}.list").With(filter));

    public Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default) => calls.Ask($"{word}.find").With(id).FindAsync<Instance>(cancellationToken);

    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change($"{word}.start").With(id).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change($"{word}.stop").With(id).With(options).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change($"{word}.restart").With(id).With(options).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change($"{word}.delete").With(id).With(options).With(request).BeginAsync(cancellationToken);

    public async Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        calls.Check(change.Extensions);
        return await calls.Ask($"{word}.plan").With(id).With(change).SendAsync<ChangePlan>(cancellationToken).ConfigureAwait(false);
    }

    public Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change($"{word}.apply").With(plan).With(options).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default) =>
        RemoteSubscription.BeginAsync(calls, $"{word}.watch", options, cancellationToken);

    public static void Serve<TCompute>(ServiceRoutes<TCompute> routes)
        where TCompute : class, ICompute => routes
        .Page("list", static (compute, call) => compute.List(call.Find<InstanceFilter>()))
        .Answer("find", static (compute, call) => compute.FindAsync(call.Next<InstanceId>(), call.Token))
        .Begin("start", static (compute, call) => compute.StartAsync(call.Next<InstanceId>(), call.Find<RequestOptions>(), call.Token))
        .Begin("stop", static (compute, call) => compute.StopAsync(call.Next<InstanceId>(), call.Find<StopOptions>(), call.Find<RequestOptions>(), call.Token))
        .Begin("restart", static (compute, call) => compute.RestartAsync(call.Next<InstanceId>(), call.Find<StopOptions>(), call.Find<RequestOptions>(), call.Token))
        .Begin("delete", static (compute, call) => compute.DeleteAsync(call.Next<InstanceId>(), call.Find<DeleteOptions>(), call.Find<RequestOptions>(), call.Token))
        .Answer("plan", static (compute, call) => compute.PlanAsync(call.Next<InstanceId>(), call.Next<InstanceChange>(), call.Token))
        .Begin("apply", static (compute, call) => compute.ApplyAsync(call.Next<ChangePlan>(), call.Find<ApplyOptions>(), call.Find<RequestOptions>(), call.Token))
        .Add("watch", static async (compute, call) =>
        {
            var options = call.Find<WatchOptions>();
            // From here it goes on when the connection is lost, so that what happens meanwhile is told all the same.
            var position = options?.After ?? (await compute.List().GetPageAsync(null, 1, call.Token).ConfigureAwait(false)).Position;
            var subscription = await compute.WatchAsync(options, call.Token).ConfigureAwait(false);
            await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
            {
                await call.OpenedAsync(call.Write().Add(position)).ConfigureAwait(false);
                await call.SendAllAsync(subscription).ConfigureAwait(false);
            }

            return default;
        });
}
