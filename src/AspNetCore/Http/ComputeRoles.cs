namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A backend may run virtual machines, containers, or both; each role lists and accepts its own kind only.</summary>
internal static class ComputeRoles
{
    public static IReadOnlyList<ICompute> Of(IBackend backend)
    {
        var roles = new List<ICompute>(2);
        if (backend.TryGet<IHypervisor>(out var hypervisor))
            roles.Add(hypervisor);
        if (backend.TryGet<IContainerRuntime>(out var containers))
            roles.Add(containers);
        return roles;
    }

    public static async Task<ICompute> ForInstanceAsync(IBackend backend, InstanceId id, CancellationToken cancellationToken)
    {
        var roles = Of(backend);
        if (roles.Count == 0)
            return backend.Get<IHypervisor>();
        foreach (var role in roles.SkipLast(1))
        {
            if (await role.FindAsync(id, cancellationToken).ConfigureAwait(false) is not null)
                return role;
        }

        return roles[^1];
    }
}
