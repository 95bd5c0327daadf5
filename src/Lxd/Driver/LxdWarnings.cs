namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>The warnings of the server.</summary>
internal sealed class LxdWarnings(LxdParts parts, ContainerWork work) : ILxdWarnings
{
    public async Task<IReadOnlyList<LxdWarning>> ListAsync(CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        return [.. (await parts.Client.WarningsGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? []];
    }

    public async Task AcknowledgeAsync(Guid id, CancellationToken cancellationToken = default)
    {
        await RequireAsync(id, cancellationToken).ConfigureAwait(false);
        await parts.Client.WarningPatchAsync(id.ToString(), new LxdWarningPut { Status = "acknowledged" }, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteAsync(Guid id, CancellationToken cancellationToken = default)
    {
        await RequireAsync(id, cancellationToken).ConfigureAwait(false);
        await parts.Client.WarningDeleteAsync(id.ToString(), cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>LXD says that it has changed what is not there.</summary>
    private async Task RequireAsync(Guid id, CancellationToken cancellationToken)
    {
        Begin(cancellationToken);
        if (await ServerCalls.AnyAsync(() => parts.Client.WarningGetAsync(id.ToString(), cancellationToken: cancellationToken)).ConfigureAwait(false) is null)
            throw new HypervisorException($"There is no warning '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"warning {id}" };
    }

    private void Begin(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
    }
}
