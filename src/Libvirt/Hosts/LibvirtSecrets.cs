using System.Xml.Linq;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Hosts;

/// <summary>The secrets of a daemon (secret.rng). They are private: the daemon itself shows them to nobody.</summary>
internal sealed class LibvirtSecrets(LibvirtParts parts) : ILibvirtSecrets
{
    private const int MaxUsageLength = 255;

    public async Task<IReadOnlyList<LibvirtSecret>> ListAsync(CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return [.. (await libvirt.ConnectListAllSecretsAsync(1, 0, cancellationToken).ConfigureAwait(false)).Secrets.Select(secret => new LibvirtSecret { Id = secret.Uuid, Usage = (VirSecretUsageType)secret.UsageType, UsageId = secret.UsageID })];
    }

    public async Task<Guid> SetAsync(VirSecretUsageType usage, string usageId, Secret value, bool isEphemeral = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(usageId);
        ArgumentNullException.ThrowIfNull(value);
        var (kind, element) = usage switch
        {
            VirSecretUsageType.Volume => ("volume", "volume"),
            VirSecretUsageType.Ceph => ("ceph", "name"),
            VirSecretUsageType.Iscsi => ("iscsi", "target"),
            VirSecretUsageType.Tls => ("tls", "name"),
            VirSecretUsageType.Vtpm => ("vtpm", "name"),
            _ => throw Refusal.Invalid("usage", $"'{usage}' is none of Volume, Ceph, Iscsi, Tls, Vtpm."),
        };
        if (usageId.Length is 0 or > MaxUsageLength || !BoundedXml.CanHold(usageId))
            throw Refusal.Invalid("usageId", $"it has 1 to {MaxUsageLength} characters.");
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var known = (await libvirt.ConnectListAllSecretsAsync(1, 0, cancellationToken).ConfigureAwait(false)).Secrets.FirstOrDefault(secret => secret.UsageType == (int)usage && secret.UsageID == usageId);
        bool isNew = known.Uuid == default;
        var secret = isNew
            ? await libvirt.SecretDefineXmlAsync(
                BoundedXml.Write(new XElement("secret", new XAttribute("ephemeral", isEphemeral ? "yes" : "no"), new XAttribute("private", "yes"), new XElement("usage", new XAttribute("type", kind), new XElement(element, usageId)))), 0,
                cancellationToken).ConfigureAwait(false)
            : known;
        try
        {
            await libvirt.SecretSetValueAsync(secret, value.Reveal().ToArray(), 0, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException) when (isNew)
        {
            await libvirt.SecretUndefineAsync(secret, CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        return secret.Uuid;
    }

    public async Task DeleteAsync(Guid id, CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        await libvirt.SecretUndefineAsync(await libvirt.SecretLookupByUuidAsync(id, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }
}
