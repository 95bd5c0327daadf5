using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.DiskStorage;

/// <summary>A job of the daemon's at one disk of what runs: it says how far it is, is ended when somebody gives up, and where it copies, moves the disk over when both read the same.</summary>
internal sealed class BlockJob(DomainChange change, string target, string stage, TimeProvider time)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);

    private LibvirtConnection Libvirt => change.Libvirt;

    /// <summary>Waits until the job has ended by itself.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        while (await SayAsync(cancellationToken).ConfigureAwait(false))
            await Task.Delay(s_look, time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until both read the same, and goes over to the other.</summary>
    /// <exception cref="HypervisorException">The job has failed.</exception>
    public async Task PivotAsync(CancellationToken cancellationToken)
    {
        while (!await IsReadyAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!await SayAsync(cancellationToken).ConfigureAwait(false))
                throw new HypervisorException($"The daemon gave up '{stage}' of the disk '{target}': its log says why. The disk is as it was.", ErrorCode.Unspecified, RequestOutcome.Rejected) { Resource = $"instance {change.Before.Id}" };
            await Task.Delay(s_look, time, cancellationToken).ConfigureAwait(false);
        }

        await change.DoAsync(Libvirt.DomainBlockJobAbortAsync(change.Domain, target, (uint)VirDomainBlockJobAbortFlags.Pivot, CancellationToken.None)).ConfigureAwait(false);
    }

    /// <summary>Ends a job that is not wanted any more, where there is one.</summary>
    public async Task AbortAsync()
    {
        try
        {
            await Libvirt.DomainBlockJobAbortAsync(change.Domain, target, 0, CancellationToken.None).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            // There is none.
        }
    }

    /// <summary>The disk as it runs now.</summary>
    public async Task<DomainDisk> LookAsync(CancellationToken cancellationToken)
    {
        var live = DomainDocument.Parse(await Libvirt.DomainGetXmlDescAsync(change.Domain, 0, cancellationToken).ConfigureAwait(false));
        return live.Disks.First(disk => disk.Target == target);
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken) => (await LookAsync(cancellationToken).ConfigureAwait(false)).Element.Element("mirror")?.Attribute("ready")?.Value == "yes";

    /// <returns>Whether there is a job.</returns>
    private async Task<bool> SayAsync(CancellationToken cancellationToken)
    {
        var job = await Libvirt.DomainGetBlockJobInfoAsync(change.Domain, target, 0, cancellationToken).ConfigureAwait(false);
        if (job.Found == 0)
            return false;
        change.Progress.Say(stage, job.End == 0 ? null : Math.Clamp((double)job.Cur / job.End, 0, 1));
        return true;
    }
}
