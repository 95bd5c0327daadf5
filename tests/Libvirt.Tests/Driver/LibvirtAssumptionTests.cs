using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>What the simulation's libvirt says of a daemon, asked of a real one.</summary>
[Peer("libvirt")]
public sealed class LibvirtAssumptionTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task What_the_state_of_a_domain_does_not_allow_is_the_error_55_and_one_that_is_not_there_the_error_42()
    {
        // Of QEMU's driver: the one for tests has an error of its own for each thing, or the one for everything.
        await using var libvirt = await libvirtd.ConnectQemuAsync();
        var domain = await libvirt.DomainDefineXmlFlagsAsync($"<domain type='qemu'><name>refused-{Guid.NewGuid():N}</name><memory unit='MiB'>16</memory><os><type>hvm</type></os></domain>", 0, Token);
        foreach (var call in new Func<ValueTask>[] { () => libvirt.DomainResumeAsync(domain, Token), () => libvirt.DomainDestroyAsync(domain, Token), () => libvirt.DomainResetAsync(domain, 0, Token) })
        {
            var refused = await Assert.ThrowsAsync<LibvirtException>(async () => await call());
            Assert.Equal(("55", ErrorCode.InvalidState, RequestOutcome.Rejected), (refused.BackendCode, refused.Code, refused.Outcome));
            Assert.StartsWith("Requested operation is not valid", refused.BackendMessage, StringComparison.Ordinal);
        }

        await libvirt.DomainUndefineAsync(domain, Token);
        var missing = await Assert.ThrowsAsync<LibvirtException>(async () => await libvirt.DomainLookupByUuidAsync(domain.Uuid, Token));
        Assert.Equal(("42", ErrorCode.NotFound), (missing.BackendCode, missing.Code));
    }

    [Fact(Timeout = 120_000)]
    public async Task Domains_are_known_by_uuids_saved_to_disk_and_go_on_from_there()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var domain = await libvirt.DomainLookupByNameAsync("web1", Token);
        await libvirt.DomainManagedSaveAsync(domain, 0, Token);
        Assert.Equal(1, await libvirt.DomainHasManagedSaveImageAsync(domain, 0, Token));
        Assert.Equal(VirDomainState.Shutoff, (VirDomainState)(await libvirt.DomainGetStateAsync(domain, 0, Token)).State);
        await libvirt.DomainCreateAsync(domain, Token);
        Assert.Equal(0, await libvirt.DomainHasManagedSaveImageAsync(domain, 0, Token));
        Assert.Equal(domain.Uuid, (await libvirt.DomainLookupByUuidAsync(domain.Uuid, Token)).Uuid);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_definition_under_an_id_that_is_taken_changes_what_has_it_and_a_name_that_is_taken_is_no_error_of_its_own()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var domain = await libvirt.DomainLookupByNameAsync("web1", Token);
        var again = await libvirt.DomainDefineXmlFlagsAsync($"<domain type='test'><name>web1</name><uuid>{domain.Uuid:D}</uuid><description>other</description><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>", 0, Token);
        Assert.Equal(domain.Uuid, again.Uuid);
        var taken = await Assert.ThrowsAsync<LibvirtException>(async () =>
            await libvirt.DomainDefineXmlFlagsAsync($"<domain type='test'><name>web1</name><uuid>{Guid.NewGuid():D}</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>", 0, Token));
        Assert.Equal(VirErrorNumber.ErrOperationFailed, taken.Number);
    }
}
