#pragma warning disable HVSDK001 // Experimental: decorated all the same.

namespace Hypervisor.Sdk;

/// <summary><see cref="IFirewall"/>, each call through the pipeline.</summary>
internal sealed class FirewallCalls(IFirewall inner, CallPipeline calls) : IFirewall
{
    public IAsyncEnumerable<FirewallRule> ListAsync(FirewallScope scope, CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("firewall.list", null, null, false), (inner, scope), static (s, token) => s.inner.ListAsync(s.scope, token), cancellationToken);

    public Task<Operation> ReplaceAsync(FirewallScope scope, IReadOnlyList<FirewallRule> rules, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("firewall.replace", null, request, true), (inner, scope, rules, request), static (s, token) => s.inner.ReplaceAsync(s.scope, s.rules, s.request, token), cancellationToken);
}
