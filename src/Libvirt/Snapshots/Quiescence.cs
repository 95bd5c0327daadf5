using Hypervisor.Sdk.Libvirt.Driver;

namespace Hypervisor.Sdk.Libvirt.Snapshots;

/// <summary>The guest's file systems at rest for a moment, by its agent.</summary>
internal static class Quiescence
{
    /// <summary>Freezes, works, thaws: whatever happens in between.</summary>
    /// <exception cref="HypervisorException">Nobody in the guest answers.</exception>
    public static async Task RunAsync(DomainChange change, Func<Task> work, CancellationToken cancellationToken)
    {
        change.Progress.Say("freezing the guest's file systems");
        await FreezeAsync(change, cancellationToken).ConfigureAwait(false);
        try
        {
            await work().ConfigureAwait(false);
        }
        finally
        {
            await ThawAsync(change, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Lets the guest go on.</summary>
    public static async Task ThawAsync(DomainChange change, CancellationToken cancellationToken) => await change.Libvirt.DomainFsthawAsync(change.Domain, [], 0, cancellationToken).ConfigureAwait(false);

    private static async Task FreezeAsync(DomainChange change, CancellationToken cancellationToken)
    {
        try
        {
            await change.Libvirt.DomainFsfreezeAsync(change.Domain, [], 0, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Code == ErrorCode.Unavailable)
        {
            // Nothing was frozen: nobody has heard it.
            throw new HypervisorException($"The agent of '{change.Before.View.Name}' does not answer, so nobody brings its file systems to rest.", ErrorCode.Unavailable, RequestOutcome.Rejected, error)
            {
                Resource = $"instance {change.Before.Id}", BackendCode = error.BackendCode, BackendMessage = error.BackendMessage,
            };
        }
    }
}
