using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IFirewall"/> over there.</summary>
internal sealed class RemoteFirewall(RemoteCalls calls) : IFirewall
{
    public IAsyncEnumerable<FirewallRule> ListAsync(FirewallScope scope, CancellationToken cancellationToken = default) => calls.Ask("firewall.list").With(scope).ListAsync<FirewallRule>(cancellationToken);

    public Task<Operation> ReplaceAsync(FirewallScope scope, IReadOnlyList<FirewallRule> rules, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rules);
        return calls.Change("firewall.replace").With(scope).WithMany(rules).With(request).BeginAsync(cancellationToken);
    }

    public static void Serve(ServiceRoutes<IFirewall> routes) => routes
        .List("list", static (firewall, call) => firewall.ListAsync(call.Next<FirewallScope>(), call.Token))
        .Begin("replace", static (firewall, call) => firewall.ReplaceAsync(call.Next<FirewallScope>(), call.NextMany<FirewallRule>(), call.Find<RequestOptions>(), call.Token));
}
