using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Finds domains.</summary>
internal sealed class LibvirtDomains(LibvirtLink link)
{
    /// <summary>The flag of virDomainGetXMLDesc for what it has at the next start.</summary>
    public const uint Inactive = (uint)VirDomainXMLFlags.Inactive;

    /// <summary>The flag for what only whoever may write is shown: the passwords of consoles, which a definition without them would lose.</summary>
    public const uint Secure = (uint)VirDomainXMLFlags.Secure;

    /// <summary>How many domains are asked about before the first has answered: few enough that other calls have room to wait for their turn.</summary>
    private const int AtATime = 256;

    /// <summary>A domain; null when there is none.</summary>
    public async Task<DomainFacts?> FindAsync(Guid uuid, CancellationToken cancellationToken) =>
        await FindAsync(await link.GetAsync(cancellationToken).ConfigureAwait(false), uuid, cancellationToken).ConfigureAwait(false);

    /// <summary>A domain, by this connection and no other.</summary>
    public static async Task<DomainFacts?> FindAsync(LibvirtConnection libvirt, Guid uuid, CancellationToken cancellationToken)
    {
        try
        {
            var domain = await libvirt.DomainLookupByUuidAsync(uuid, cancellationToken).ConfigureAwait(false);
            var config = libvirt.DomainGetXmlDescAsync(domain, Inactive, cancellationToken).AsTask();
            var live = domain.Id >= 0 ? libvirt.DomainGetXmlDescAsync(domain, 0, cancellationToken).AsTask() : null;
            var state = libvirt.DomainGetStateAsync(domain, 0, cancellationToken).AsTask();
            var isPersistent = libvirt.DomainIsPersistentAsync(domain, cancellationToken).AsTask();
            var hasSave = HasSaveAsync(libvirt, domain, cancellationToken);
            await Task.WhenAll(config, live ?? Task.CompletedTask, state, isPersistent, hasSave).ConfigureAwait(false);
            var answer = await state.ConfigureAwait(false);
            return new DomainFacts
            {
                Domain = domain,
                Config = DomainDocument.Parse(await config.ConfigureAwait(false)),
                Live = live is null ? null : DomainDocument.Parse(await live.ConfigureAwait(false)),
                NativeState = (VirDomainState)answer.State,
                NativeReason = answer.Reason,
                HasManagedSave = await hasSave.ConfigureAwait(false),
                IsPersistent = await isPersistent.ConfigureAwait(false) == 1,
            };
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoDomain)
        {
            return null;
        }
    }

    /// <summary>Whether what it had in memory was saved; a driver that saves nothing does not know the question.</summary>
    private static async Task<bool> HasSaveAsync(LibvirtConnection libvirt, VirDomain domain, CancellationToken cancellationToken)
    {
        try
        {
            return await libvirt.DomainHasManagedSaveImageAsync(domain, 0, cancellationToken).ConfigureAwait(false) == 1;
        }
        catch (LibvirtException error) when (error.Code == ErrorCode.Unsupported)
        {
            return false;
        }
    }

    /// <summary>The domain of a name; null when there is none.</summary>
    public async Task<VirDomain?> FindByNameAsync(string name, CancellationToken cancellationToken)
    {
        var libvirt = await link.GetAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await libvirt.DomainLookupByNameAsync(name, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoDomain)
        {
            return null;
        }
    }

    /// <summary>All of them. States and saves come in one call each; a document for each, some hundred at a time.</summary>
    public async Task<IReadOnlyCollection<DomainFacts>> ListAsync(CancellationToken cancellationToken) =>
        await ListAsync(await link.GetAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    /// <summary>All of them, by this connection and no other.</summary>
    public static async Task<IReadOnlyCollection<DomainFacts>> ListAsync(LibvirtConnection libvirt, CancellationToken cancellationToken)
    {
        var domains = (await libvirt.ConnectListAllDomainsAsync(1, 0, cancellationToken).ConfigureAwait(false)).Domains;
        if (domains.Length == 0)
            return [];
        var saved = libvirt.ConnectListAllDomainsAsync(1, (uint)VirConnectListAllDomainsFlags.Managedsave, cancellationToken).AsTask();
        var persistent = libvirt.ConnectListAllDomainsAsync(1, (uint)VirConnectListAllDomainsFlags.Persistent, cancellationToken).AsTask();
        await Task.WhenAll(saved, persistent).ConfigureAwait(false);
        var isSaved = (await saved.ConfigureAwait(false)).Domains.Select(domain => domain.Uuid).ToHashSet();
        var isPersistent = (await persistent.ConfigureAwait(false)).Domains.Select(domain => domain.Uuid).ToHashSet();
        var found = new List<DomainFacts>(domains.Length);
        foreach (var some in domains.Chunk(AtATime))
            found.AddRange((await Task.WhenAll(some.Select(domain => ReadAsync(libvirt, domain, isSaved.Contains(domain.Uuid), isPersistent.Contains(domain.Uuid), cancellationToken))).ConfigureAwait(false)).OfType<DomainFacts>());
        return found;
    }

    private static async Task<DomainFacts?> ReadAsync(LibvirtConnection libvirt, VirDomain domain, bool hasSave, bool isPersistent, CancellationToken cancellationToken)
    {
        try
        {
            var config = libvirt.DomainGetXmlDescAsync(domain, Inactive, cancellationToken).AsTask();
            var live = domain.Id >= 0 ? libvirt.DomainGetXmlDescAsync(domain, 0, cancellationToken).AsTask() : null;
            var state = libvirt.DomainGetStateAsync(domain, 0, cancellationToken).AsTask();
            await Task.WhenAll(config, live ?? Task.CompletedTask, state).ConfigureAwait(false);
            var answer = await state.ConfigureAwait(false);
            return new DomainFacts
            {
                Domain = domain,
                Config = DomainDocument.Parse(await config.ConfigureAwait(false)),
                Live = live is null ? null : DomainDocument.Parse(await live.ConfigureAwait(false)),
                NativeState = (VirDomainState)answer.State,
                NativeReason = answer.Reason,
                HasManagedSave = hasSave,
                IsPersistent = isPersistent,
            };
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoDomain)
        {
            // It went between the list and the look at it.
            return null;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Protocol && libvirt.CloseReason is null)
        {
            // One document that cannot be read hides none of the others: whoever asks for its domain is told why.
            return null;
        }
    }
}
