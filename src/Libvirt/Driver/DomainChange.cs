using System.Xml.Linq;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>A change of one domain while it is under way, by whoever has the domain to himself.</summary>
internal sealed class DomainChange(LibvirtConnection libvirt, LibvirtNews news, DomainFacts before, string kind, RequestId? request, WorkProgress progress)
{
    private readonly RequestRecords _requests = RequestRecords.Read(before.Config.Root);
    private bool _isRecorded = true;

    public LibvirtConnection Libvirt => libvirt;

    public LibvirtNews News => news;

    public WorkProgress Progress => progress;

    /// <summary>As it was when the work began.</summary>
    public DomainFacts Before => before;

    public VirDomain Domain => before.Domain;

    /// <summary>Whether something has changed already, so that what fails from now on leaves it half done.</summary>
    public bool HasEffect { get; private set; }

    /// <summary>Leaves the request at the domain, before the effect. Without an id of the caller's nobody can ask for it.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        if (request is { } id)
        {
            _requests.Set(new RequestRecord(id, kind, false, before.Run));
            await WriteAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Does one thing; from its success on something has changed.</summary>
    public async Task DoAsync(ValueTask effect)
    {
        await effect.ConfigureAwait(false);
        HasEffect = true;
    }

    /// <summary>Leaves at the domain that the effect is there.</summary>
    /// <param name="cancellationToken">Gives up; the effect is there all the same.</param>
    /// <param name="isStopped">Whether a crash is over because somebody has stopped the domain; null to leave it as it is.</param>
    public async Task EndAsync(CancellationToken cancellationToken, bool? isStopped = null)
    {
        bool changes = isStopped is { } stopped && stopped != _requests.IsStopped;
        _requests.IsStopped = isStopped ?? _requests.IsStopped;
        if (request is { } id)
            _requests.Set(new RequestRecord(id, kind, true, before.Run));
        if (request is null && !changes)
            return;
        try
        {
            await WriteAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException) when (!changes)
        {
            // The effect is there, and who looks the request up sees it by the domain's state.
        }
    }

    /// <summary>Puts that the effect is there into a configuration that is written in one go with it.</summary>
    public void EndIn(DomainDocument config)
    {
        if (request is { } id)
            _requests.Set(new RequestRecord(id, kind, true, before.Run));
        if (request is not null)
            _requests.Write(config);
    }

    /// <summary>
    /// Puts back what is kept about the domain, after its configuration was replaced by one of before: the requests since then, and the count of changes, which never goes back.
    /// </summary>
    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        var config = DomainDocument.Parse(await libvirt.DomainGetXmlDescAsync(before.Domain, LibvirtDomains.Inactive, cancellationToken).ConfigureAwait(false));
        if (request is { } id)
            _requests.Set(new RequestRecord(id, kind, true, before.Run));
        // A driver may go on saying of what is off that it has crashed.
        _requests.IsStopped = before.State == PowerState.Crashed;
        await WriteAsync(cancellationToken).ConfigureAwait(false);
        await WriteRecordAsync(InstanceRecord.Read(config.Root)).ConfigureAwait(false);
    }

    /// <summary>Writes what is kept about the instance, as one change more. It is done to the end: what it tells of has happened.</summary>
    public async Task WriteRecordAsync(InstanceRecord record)
    {
        record.Changes = before.Record.Changes + 1;
        var config = DomainDocument.New(before.Config.Type, before.Config.Name, before.Domain.Uuid);
        record.Write(config);
        await WriteAsync(config.Root.Element("metadata")!.Elements().Single(), InstanceRecord.Prefix, InstanceRecord.Namespace, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Waits for the domain's end and nothing else: the event of it was told.</summary>
    public async Task DoAndTellAsync(VirDomainEventType type, Func<ValueTask> effect, CancellationToken cancellationToken)
    {
        using var told = news.Expect(before.Domain.Uuid, type);
        await DoAsync(effect()).ConfigureAwait(false);
        await told.ToldAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        if (!_isRecorded)
            return;
        try
        {
            await WriteAsync(_requests.ToElement(), RequestRecords.Prefix, RequestRecords.Namespace, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Code == ErrorCode.Unsupported)
        {
            // A driver without metadata: requests are known in this process only.
            _isRecorded = false;
        }
    }

    private ValueTask WriteAsync(XElement element, string prefix, string space, CancellationToken cancellationToken) => libvirt.DomainSetMetadataAsync(
        before.Domain, (int)VirDomainMetadataType.Element, BoundedXml.Write(BoundedXml.Bare(element)), prefix, space,
        (uint)(before.IsPersistent ? VirDomainModificationImpact.Config : VirDomainModificationImpact.Live), cancellationToken);
}
