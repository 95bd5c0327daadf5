using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Takes devices from what runs. A device is gone when the daemon tells so, which the guest decides: a daemon that was asked answers whether or not the guest has let go.</summary>
internal static class DeviceUnplug
{
    /// <summary>How long a guest may take to give a device up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Asks the guest to give a device up and waits until it has.</summary>
    /// <param name="change">The change.</param>
    /// <param name="device">The device as the domain that runs has it.</param>
    /// <param name="name">What it is called, for messages.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up; the guest may let go all the same.</param>
    /// <exception cref="HypervisorException">It did not within <see cref="Patience"/> (<see cref="ErrorCode.Timeout"/>), or said that it will not (<see cref="ErrorCode.InvalidState"/>).</exception>
    public static async Task RunAsync(DomainChange change, XElement device, string name, TimeProvider time, CancellationToken cancellationToken)
    {
        string alias = device.Element("alias")?.Attribute("name")?.Value
            ?? throw new BackendProtocolException($"The daemon does not say what it calls '{name}', which runs.", ErrorCode.Protocol, RequestOutcome.Rejected);
        using var told = change.News.ExpectRemoval(change.Domain.Uuid, alias);
        change.Progress.Say($"waiting for the guest to give up {name}");
        try
        {
            await change.Libvirt.DomainDetachDeviceFlagsAsync(change.Domain, BoundedXml.Write(device), (uint)VirDomainModificationImpact.Live, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrDeviceMissing || (error.BackendMessage?.Contains("in the process of unplug", StringComparison.Ordinal) ?? false))
        {
            // The guest gave it up after an earlier request, or has that one still before it: the look below tells.
        }
        catch (LibvirtException error) when (error.BackendMessage?.Contains("rejected by the guest", StringComparison.Ordinal) ?? false)
        {
            throw Refused(name, error);
        }

        bool? isGone = await IsThereAsync(change, alias, cancellationToken).ConfigureAwait(false) ? await AnswerAsync(told, time, cancellationToken).ConfigureAwait(false) : true;
        if (isGone == false)
            throw Refused(name, null);
        if (isGone is null && await IsThereAsync(change, alias, cancellationToken).ConfigureAwait(false))
        {
            throw new HypervisorException(
                $"The guest did not give up '{name}' within {Patience.TotalSeconds:0.#} s; nothing was deleted, and the machine has it still. It may give it up later: the request stands until the guest is reset. "
                + "A guest hears of it once its system runs; or stop the machine, and remove it then.",
                ErrorCode.Timeout, RequestOutcome.FailedMidway) { Resource = $"instance {change.Before.Id}" };
        }

        await change.DoAsync(ValueTask.CompletedTask).ConfigureAwait(false);
    }

    private static async Task<bool?> AnswerAsync(LibvirtNews.Removal told, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            return await told.Answer.Task.WaitAsync(Patience, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private static async Task<bool> IsThereAsync(DomainChange change, string alias, CancellationToken cancellationToken)
    {
        var live = DomainDocument.Parse(await change.Libvirt.DomainGetXmlDescAsync(change.Domain, 0, cancellationToken).ConfigureAwait(false));
        return live.Root.Element("devices")?.Elements().Any(device => device.Element("alias")?.Attribute("name")?.Value == alias) ?? false;
    }

    private static HypervisorException Refused(string name, LibvirtException? error) =>
        new($"The guest refuses to give up '{name}'; the machine has it still.", ErrorCode.InvalidState, RequestOutcome.Rejected, error) { BackendCode = error?.BackendCode, BackendMessage = error?.BackendMessage };
}
