using System.Text;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>What the daemon itself has of a domain: its XML, without what is secret in it.</summary>
internal sealed class LibvirtDocuments(LibvirtParts parts) : INativeDocuments
{
    public async Task<NativeDocument> GetAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return new NativeDocument("application/xml", Encoding.UTF8.GetBytes(await libvirt.DomainGetXmlDescAsync(facts.Domain, 0, cancellationToken).ConfigureAwait(false)));
    }
}
