using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Rules about who may talk to whom, by scope. Its full form comes with its first driver.</summary>
[Experimental(ExperimentalIds.Firewall)]
public interface IFirewall
{
    /// <summary>The rules of a scope, in the order in which they apply.</summary>
    IAsyncEnumerable<FirewallRule> ListAsync(FirewallScope scope, CancellationToken cancellationToken = default);

    /// <summary>Replaces the rules of a scope, all at once or not at all.</summary>
    Task<Operation> ReplaceAsync(FirewallScope scope, IReadOnlyList<FirewallRule> rules, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
