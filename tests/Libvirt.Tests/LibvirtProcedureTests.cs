using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests;

/// <summary>
/// Calls for the sake of their shapes: a real daemon takes the arguments apart and puts the result together. Some answer that this hypervisor does not do it; an error of the daemon's own is an answer,
/// a reply that cannot be read is none.
/// </summary>
[Peer("libvirt")]
public sealed class LibvirtProcedureTests(Libvirtd libvirtd)
{
    private const string Snapshot = "<domainsnapshot><name>one</name></domainsnapshot>";

    private int _results;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task What_is_asked_of_a_connection_and_its_node_is_answered()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        await Is(libvirt.ConnectGetVersionAsync(Token));
        await Is(libvirt.ConnectGetMaxVcpusAsync("test", Token));
        await Is(libvirt.ConnectGetCapabilitiesAsync(Token));
        await Is(libvirt.ConnectNumOfDomainsAsync(Token));
        await Is(libvirt.ConnectNumOfDefinedDomainsAsync(Token));
        await Is(libvirt.ConnectListDomainsAsync(100, Token));
        await Is(libvirt.ConnectListDefinedDomainsAsync(100, Token));
        await Is(libvirt.ConnectGetUriAsync(Token));
        await Is(libvirt.ConnectIsSecureAsync(Token));
        await Is(libvirt.ConnectGetCpuModelNamesAsync("x86_64", 1, 0, Token));
        await Is(libvirt.ConnectCompareCpuAsync("<cpu><arch>x86_64</arch><model>qemu64</model></cpu>", 0, Token));
        await Is(libvirt.ConnectBaselineCpuAsync(["<cpu><arch>x86_64</arch><model>qemu64</model></cpu>"], 0, Token));
        await Is(libvirt.ConnectGetSysinfoAsync(0, Token));
        await Is(libvirt.ConnectGetDomainCapabilitiesAsync(null, null, null, null, 0, Token));
        await Is(libvirt.ConnectGetStoragePoolCapabilitiesAsync(0, Token));
        await Is(libvirt.ConnectDomainXmlFromNativeAsync("qemu-argv", "qemu", 0, Token));
        await Is(libvirt.ConnectDomainXmlToNativeAsync("qemu-argv", "<domain/>", 0, Token));
        await Is(libvirt.ConnectCompareHypervisorCpuAsync(null, null, null, null, "<cpu/>", 0, Token));
        await Is(libvirt.ConnectBaselineHypervisorCpuAsync(null, null, null, null, ["<cpu/>"], 0, Token));
        await Is(libvirt.ConnectRegisterCloseCallbackAsync());
        await Is(libvirt.ConnectUnregisterCloseCallbackAsync());
        await Is(libvirt.NodeGetInfoAsync(Token));
        await Is(libvirt.NodeGetFreeMemoryAsync(Token));
        await Is(libvirt.NodeGetCellsFreeMemoryAsync(0, 2, Token));
        await Is(libvirt.NodeGetSecurityModelAsync(Token));
        await Is(libvirt.NodeGetCpuStatsAsync(-1, 0, 0, Token));
        await Is(libvirt.NodeGetMemoryStatsAsync(0, -1, 0, Token));
        await Is(libvirt.NodeGetMemoryParametersAsync(0, 0, Token));
        await Is(libvirt.NodeGetCpuMapAsync(1, 1, 0, Token));
        await Is(libvirt.NodeGetFreePagesAsync([2048], 0, 2, 0, Token));
        await Is(libvirt.NodeAllocPagesAsync([2048], [1], 0, 1, 0, Token));
        await Is(libvirt.NodeGetSevInfoAsync(0, 0, Token));
        Assert.InRange(_results, 18, 40);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_is_asked_of_a_domain_is_answered()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var dom = await libvirt.DomainLookupByNameAsync("web1", Token);
        await Is(libvirt.DomainIsActiveAsync(dom, Token));
        await Is(libvirt.DomainIsPersistentAsync(dom, Token));
        await Is(libvirt.DomainIsUpdatedAsync(dom, Token));
        await Is(libvirt.DomainGetAutostartAsync(dom, Token));
        await Is(libvirt.DomainSetAutostartAsync(dom, 1, Token));
        await Is(libvirt.DomainGetMaxMemoryAsync(dom, Token));
        await Is(libvirt.DomainGetMaxVcpusAsync(dom, Token));
        await Is(libvirt.DomainGetOsTypeAsync(dom, Token));
        await Is(libvirt.DomainGetStateAsync(dom, 0, Token));
        await Is(libvirt.DomainGetControlInfoAsync(dom, 0, Token));
        await Is(libvirt.DomainGetJobInfoAsync(dom, Token));
        await Is(libvirt.DomainGetJobStatsAsync(dom, 0, Token));
        await Is(libvirt.DomainGetVcpusAsync(dom, 2, 1, Token));
        await Is(libvirt.DomainGetVcpusFlagsAsync(dom, 0, Token));
        await Is(libvirt.DomainGetVcpuPinInfoAsync(dom, 2, 1, 0, Token));
        await Is(libvirt.DomainGetEmulatorPinInfoAsync(dom, 1, 0, Token));
        await Is(libvirt.DomainGetSchedulerTypeAsync(dom, Token));
        await Is(libvirt.DomainGetSchedulerParametersAsync(dom, 1, Token));
        await Is(libvirt.DomainGetSchedulerParametersFlagsAsync(dom, 1, 0, Token));
        await Is(libvirt.DomainGetMemoryParametersAsync(dom, 0, 0, Token));
        await Is(libvirt.DomainGetMemoryParametersAsync(dom, 3, 0, Token));
        await Is(libvirt.DomainGetBlkioParametersAsync(dom, 0, 0, Token));
        await Is(libvirt.DomainGetNumaParametersAsync(dom, 2, 4, Token));
        await Is(libvirt.DomainGetInterfaceParametersAsync(dom, "52:54:00:12:34:56", 0, 0, Token));
        await Is(libvirt.DomainGetInterfaceParametersAsync(dom, "52:54:00:12:34:56", 7, 0, Token));
        await Is(libvirt.DomainGetBlockIoTuneAsync(dom, "vda", 0, 0, Token));
        await Is(libvirt.DomainGetBlockInfoAsync(dom, "vda", 0, Token));
        await Is(libvirt.DomainGetBlockJobInfoAsync(dom, "vda", 0, Token));
        await Is(libvirt.DomainGetCpuStatsAsync(dom, 3, 0, 1, 0, Token));
        await Is(libvirt.DomainGetDiskErrorsAsync(dom, 10, 0, Token));
        await Is(libvirt.DomainGetHostnameAsync(dom, 0, Token));
        await Is(libvirt.DomainGetSecurityLabelAsync(dom, Token));
        await Is(libvirt.DomainGetSecurityLabelListAsync(dom, Token));
        await Is(libvirt.DomainGetTimeAsync(dom, 0, Token));
        await Is(libvirt.DomainGetFsinfoAsync(dom, 0, Token));
        await Is(libvirt.DomainGetIothreadInfoAsync(dom, 0, Token));
        await Is(libvirt.DomainGetPerfEventsAsync(dom, 0, Token));
        await Is(libvirt.DomainGetGuestVcpusAsync(dom, 0, Token));
        await Is(libvirt.DomainGetLaunchSecurityInfoAsync(dom, 0, Token));
        await Is(libvirt.DomainGetGuestInfoAsync(dom, 0, 0, Token));
        await Is(libvirt.DomainGetMessagesAsync(dom, 0, Token));
        await Is(libvirt.DomainInterfaceStatsAsync(dom, "testnet0", Token));
        await Is(libvirt.DomainInterfaceAddressesAsync(dom, 0, 0, Token));
        await Is(libvirt.DomainBlockStatsAsync(dom, "vda", Token));
        await Is(libvirt.DomainBlockStatsFlagsAsync(dom, "vda", 0, 0, Token));
        await Is(libvirt.DomainBlockPeekAsync(dom, "vda", 0, 16, 0, Token));
        await Is(libvirt.DomainMemoryPeekAsync(dom, 0, 16, 1, Token));
        await Is(libvirt.DomainMemoryStatsAsync(dom, 11, 0, Token));
        await Is(libvirt.DomainSetMemoryAsync(dom, 32 * 1024, Token));
        await Is(libvirt.DomainSetMaxMemoryAsync(dom, 64 * 1024, Token));
        await Is(libvirt.DomainSetVcpusAsync(dom, 1, Token));
        await Is(libvirt.DomainPinVcpuAsync(dom, 0, [1], Token));
        await Is(libvirt.DomainPinVcpuFlagsAsync(dom, 0, [1], 0, Token));
        await Is(libvirt.DomainPinEmulatorAsync(dom, [1], 0, Token));
        await Is(libvirt.DomainSetSchedulerParametersAsync(dom, [new("weight", VirTypedValue.From(50u))], Token));
        await Is(libvirt.DomainSetSchedulerParametersFlagsAsync(dom, [new("weight", VirTypedValue.From(50u))], 0, Token));
        await Is(libvirt.DomainSetMemoryParametersAsync(dom, [new("hard_limit", VirTypedValue.From(100_000ul))], 0, Token));
        await Is(libvirt.DomainSetNumaParametersAsync(dom, [new("numa_nodeset", VirTypedValue.From("0"))], 0, Token));
        await Is(libvirt.DomainSetInterfaceParametersAsync(dom, "testnet0", [new("inbound.average", VirTypedValue.From(1000u))], 0, Token));
        await Is(libvirt.DomainSetBlockIoTuneAsync(dom, "vda", [new("total_bytes_sec", VirTypedValue.From(1000ul))], 0, Token));
        await Is(libvirt.DomainSetMetadataAsync(dom, (int)VirDomainMetadataType.Title, "A title", null, null, 0, Token));
        Assert.Equal("A title", await libvirt.DomainGetMetadataAsync(dom, (int)VirDomainMetadataType.Title, null, 0, Token));
        await Is(libvirt.DomainSetMemoryStatsPeriodAsync(dom, 1, 0, Token));
        await Is(libvirt.DomainSetTimeAsync(dom, 1, 0, 0, Token));
        await Is(libvirt.DomainSetUserPasswordAsync(dom, "root", "secret", 0, Token));
        await Is(libvirt.DomainSetLifecycleActionAsync(dom, 0, 0, 0, Token));
        await Is(libvirt.DomainFsfreezeAsync(dom, [], 0, Token));
        await Is(libvirt.DomainFsthawAsync(dom, [], 0, Token));
        await Is(libvirt.DomainFstrimAsync(dom, null, 0, 0, Token));
        await Is(libvirt.DomainSendKeyAsync(dom, 0, 0, [30], 0, Token));
        await Is(libvirt.DomainInjectNmiAsync(dom, 0, Token));
        await Is(libvirt.DomainAbortJobAsync(dom, Token));
        await Is(libvirt.DomainAddIothreadAsync(dom, 5, 0, Token));
        await Is(libvirt.DomainDelIothreadAsync(dom, 5, 0, Token));
        await Is(libvirt.DomainAttachDeviceAsync(dom, "<hostdev/>", Token));
        await Is(libvirt.DomainBackupGetXmlDescAsync(dom, 0, Token));
        await Is(libvirt.DomainAuthorizedSshKeysGetAsync(dom, "root", 0, Token));
        await Is(libvirt.QemuDomainMonitorCommandAsync(dom, "query-status", 0, Token));
        await Is(libvirt.QemuDomainAgentCommandAsync(dom, "guest-ping", 1, 0, Token));
        Assert.InRange(_results, 40, 90);
    }

    [Fact(Timeout = 120_000)]
    public async Task Snapshots_and_saved_states_of_a_domain_are_answered()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var dom = await libvirt.DomainLookupByNameAsync("web1", Token);
        var snapshot = await libvirt.DomainSnapshotCreateXmlAsync(dom, Snapshot, 0, Token);
        await libvirt.DomainSnapshotCreateXmlAsync(dom, Snapshot.Replace("one", "two", StringComparison.Ordinal), 0, Token);
        Assert.Equal("two", (await libvirt.DomainSnapshotCurrentAsync(dom, 0, Token)).Name);
        Assert.Equal("one", (await libvirt.DomainSnapshotGetParentAsync(await libvirt.DomainSnapshotLookupByNameAsync(dom, "two", 0, Token), 0, Token)).Name);
        Assert.Equal(2, await libvirt.DomainSnapshotNumAsync(dom, 0, Token));
        Assert.Equal(["one", "two"], (await libvirt.DomainSnapshotListNamesAsync(dom, 10, 0, Token)).Order());
        Assert.Equal(["two"], await libvirt.DomainSnapshotListChildrenNamesAsync(snapshot, 10, 0, Token));
        Assert.Equal(2, (await libvirt.DomainListAllSnapshotsAsync(dom, 1, 0, Token)).Snapshots.Length);
        await Is(libvirt.DomainSnapshotListAllChildrenAsync(snapshot, 1, 0, Token));
        await Is(libvirt.DomainSnapshotNumChildrenAsync(snapshot, 0, Token));
        await Is(libvirt.DomainSnapshotIsCurrentAsync(snapshot, 0, Token));
        await Is(libvirt.DomainSnapshotHasMetadataAsync(snapshot, 0, Token));
        await Is(libvirt.DomainSnapshotGetXmlDescAsync(snapshot, 0, Token));
        await Is(libvirt.DomainHasCurrentSnapshotAsync(dom, 0, Token));
        await Is(libvirt.DomainRevertToSnapshotAsync(snapshot, 0, Token));
        await Is(libvirt.DomainSnapshotDeleteAsync(snapshot, 0, Token));
        await Is(libvirt.DomainCheckpointCreateXmlAsync(dom, "<domaincheckpoint><name>c1</name></domaincheckpoint>", 0, Token));
        await Is(libvirt.DomainListAllCheckpointsAsync(dom, 1, 0, Token));
        await Is(libvirt.DomainManagedSaveAsync(dom, 0, Token));
        await Is(libvirt.DomainHasManagedSaveImageAsync(dom, 0, Token));
        await Is(libvirt.DomainManagedSaveRemoveAsync(dom, 0, Token));
        await Is(libvirt.DomainCreateWithFlagsAsync(dom, 0, Token));
        string saved = libvirtd.PathOf("saved" + Guid.NewGuid().ToString("N"));
        await Is(libvirt.DomainCoreDumpAsync(dom, saved + ".dump", 0, Token));
        await Is(libvirt.DomainCoreDumpWithFormatAsync(dom, saved + ".dump2", 0, 0, Token));
        await Is(libvirt.DomainSaveAsync(dom, saved, Token));
        await Is(libvirt.DomainSaveImageGetXmlDescAsync(saved, 0, Token));
        await Is(libvirt.DomainRestoreAsync(saved, Token));
        await Is(libvirt.DomainSaveParamsAsync(dom, [new("file", VirTypedValue.From(saved))], 0, Token));
        await Is(libvirt.DomainRestoreFlagsAsync(saved, null, 0, Token));
        await Is(libvirt.DomainShutdownFlagsAsync(dom, 0, Token));
        await Is(libvirt.DomainRenameAsync(dom, "web2", 0, Token));
        await Is(libvirt.DomainDefineXmlFlagsAsync("<domain type='test'><name>web3</name><memory>1024</memory><os><type>hvm</type></os></domain>", 0, Token));
        await Is(libvirt.DomainCreateXmlAsync("<domain type='test'><name>web4</name><memory>1024</memory><os><type>hvm</type></os></domain>", 0, Token));
        await Is(libvirt.DomainDestroyFlagsAsync(await libvirt.DomainLookupByNameAsync("web4", Token), 0, Token));
        await Is(libvirt.DomainUndefineFlagsAsync(await libvirt.DomainLookupByNameAsync("web3", Token), 0, Token));
        Assert.InRange(_results, 15, 40);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_is_asked_of_networks_interfaces_and_filters_is_answered()
    {
        await using (var libvirt = await libvirtd.ConnectAsync())
        {
            var net = await libvirt.NetworkDefineXmlFlagsAsync("<network><name>net1</name><bridge name='virbr78'/><ip address='192.168.78.1' netmask='255.255.255.0'/></network>", 0, Token);
            await Is(libvirt.NetworkGetXmlDescAsync(net, 0, Token));
            await Is(libvirt.NetworkSetAutostartAsync(net, 1, Token));
            Assert.Equal(1, await libvirt.NetworkGetAutostartAsync(net, Token));
            await Is(libvirt.NetworkIsActiveAsync(net, Token));
            await Is(libvirt.NetworkIsPersistentAsync(net, Token));
            Assert.Equal("virbr78", await libvirt.NetworkGetBridgeNameAsync(net, Token));
            await Is(libvirt.NetworkLookupByNameAsync("net1", Token));
            await Is(libvirt.NetworkLookupByUuidAsync(net.Uuid, Token));
            await Is(libvirt.ConnectNumOfNetworksAsync(Token));
            await Is(libvirt.ConnectNumOfDefinedNetworksAsync(Token));
            await Is(libvirt.ConnectListNetworksAsync(10, Token));
            await Is(libvirt.ConnectListDefinedNetworksAsync(10, Token));
            await Is(libvirt.ConnectListAllNetworksAsync(1, 0, Token));
            await Is(libvirt.NetworkCreateAsync(net, Token));
            await Is(libvirt.NetworkGetDhcpLeasesAsync(net, null, 1, 0, Token));
            await Is(libvirt.NetworkListAllPortsAsync(net, 1, 0, Token));
            await Is(libvirt.NetworkUpdateAsync(net, 3, 4, -1, "<host ip='192.168.78.5'/>", 0, Token));
            await Is(libvirt.NetworkDestroyAsync(net, Token));
            await Is(libvirt.NetworkUndefineAsync(net, Token));
            await Is(libvirt.ConnectNumOfInterfacesAsync(Token));
            await Is(libvirt.ConnectListInterfacesAsync(10, Token));
            await Is(libvirt.ConnectListAllInterfacesAsync(1, 0, Token));
            await Is(libvirt.InterfaceChangeBeginAsync(0, Token));
            var iface = await libvirt.InterfaceDefineXmlAsync("<interface type='ethernet' name='eth7'><mac address='aa:bb:cc:dd:ee:07'/><start mode='onboot'/><protocol family='ipv4'><dhcp/></protocol></interface>", 0, Token);
            await Is(libvirt.InterfaceGetXmlDescAsync(iface, 0, Token));
            await Is(libvirt.InterfaceLookupByNameAsync("eth7", Token));
            await Is(libvirt.InterfaceLookupByMacStringAsync("aa:bb:cc:dd:ee:07", Token));
            await Is(libvirt.InterfaceCreateAsync(iface, 0, Token));
            await Is(libvirt.InterfaceIsActiveAsync(iface, Token));
            await Is(libvirt.ConnectListDefinedInterfacesAsync(10, Token));
            await Is(libvirt.ConnectNumOfDefinedInterfacesAsync(Token));
            await Is(libvirt.InterfaceDestroyAsync(iface, 0, Token));
            await Is(libvirt.InterfaceUndefineAsync(iface, Token));
            await Is(libvirt.InterfaceChangeRollbackAsync(0, Token));
        }

        Assert.InRange(_results, 20, 40);
        await using var filters = await libvirtd.ConnectAsync("nwfilter:///system");
        var filter = await filters.NwfilterDefineXmlAsync("<filter name='hv-test'><rule action='drop' direction='in'/></filter>", Token);
        Assert.Contains("hv-test", await filters.NwfilterGetXmlDescAsync(filter, 0, Token), StringComparison.Ordinal);
        Assert.Equal(filter.Uuid, (await filters.NwfilterLookupByNameAsync("hv-test", Token)).Uuid);
        await Is(filters.NwfilterLookupByUuidAsync(filter.Uuid, Token));
        await Is(filters.ConnectNumOfNwfiltersAsync(Token));
        await Is(filters.ConnectListNwfiltersAsync(100, Token));
        await Is(filters.ConnectListAllNwfiltersAsync(1, 0, Token));
        await Is(filters.ConnectListAllNwfilterBindingsAsync(1, 0, Token));
        await filters.NwfilterUndefineAsync(filter, Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_is_asked_of_pools_volumes_secrets_and_devices_is_answered()
    {
        await using (var libvirt = await libvirtd.ConnectAsync("storage:///system"))
        {
            string path = libvirtd.PathOf("pool-questions");
            var pool = await libvirt.StoragePoolDefineXmlAsync($"<pool type='dir'><name>questions</name><target><path>{path}</path></target></pool>", 0, Token);
            await Is(libvirt.StoragePoolBuildAsync(pool, 0, Token));
            await Is(libvirt.StoragePoolCreateAsync(pool, 0, Token));
            await Is(libvirt.StoragePoolRefreshAsync(pool, 0, Token));
            await Is(libvirt.StoragePoolGetInfoAsync(pool, Token));
            await Is(libvirt.StoragePoolGetXmlDescAsync(pool, 0, Token));
            await Is(libvirt.StoragePoolSetAutostartAsync(pool, 1, Token));
            Assert.Equal(1, await libvirt.StoragePoolGetAutostartAsync(pool, Token));
            await Is(libvirt.StoragePoolIsActiveAsync(pool, Token));
            await Is(libvirt.StoragePoolIsPersistentAsync(pool, Token));
            await Is(libvirt.StoragePoolLookupByNameAsync("questions", Token));
            await Is(libvirt.StoragePoolLookupByUuidAsync(pool.Uuid, Token));
            await Is(libvirt.StoragePoolLookupByTargetPathAsync(path, Token));
            var vol = await libvirt.StorageVolCreateXmlAsync(pool, "<volume><name>a</name><capacity>65536</capacity><target><format type='raw'/></target></volume>", 0, Token);
            await Is(libvirt.StorageVolCreateXmlFromAsync(pool, "<volume><name>b</name><capacity>65536</capacity><target><format type='raw'/></target></volume>", vol, 0, Token));
            await Is(libvirt.StorageVolResizeAsync(vol, 131072, 0, Token));
            Assert.Equal(131072ul, (await libvirt.StorageVolGetInfoFlagsAsync(vol, 0, Token)).Capacity);
            await Is(libvirt.StorageVolGetXmlDescAsync(vol, 0, Token));
            Assert.Equal(Path.Combine(path, "a"), await libvirt.StorageVolGetPathAsync(vol, Token));
            await Is(libvirt.StorageVolLookupByNameAsync(pool, "a", Token));
            await Is(libvirt.StorageVolLookupByKeyAsync(vol.Key, Token));
            await Is(libvirt.StorageVolLookupByPathAsync(Path.Combine(path, "a"), Token));
            await Is(libvirt.StoragePoolLookupByVolumeAsync(vol, Token));
            await Is(libvirt.StoragePoolNumOfVolumesAsync(pool, Token));
            await Is(libvirt.StoragePoolListVolumesAsync(pool, 10, Token));
            Assert.Equal(["a", "b"], (await libvirt.StoragePoolListAllVolumesAsync(pool, 1, 0, Token)).Vols.Select(one => one.Name).Order());
            await Is(libvirt.StorageVolWipeAsync(vol, 0, Token));
            await Is(libvirt.StorageVolWipePatternAsync(vol, 0, 0, Token));
            await Is(libvirt.ConnectNumOfStoragePoolsAsync(Token));
            await Is(libvirt.ConnectNumOfDefinedStoragePoolsAsync(Token));
            await Is(libvirt.ConnectListStoragePoolsAsync(10, Token));
            await Is(libvirt.ConnectListDefinedStoragePoolsAsync(10, Token));
            await Is(libvirt.ConnectListAllStoragePoolsAsync(1, 0, Token));
            await Is(libvirt.ConnectFindStoragePoolSourcesAsync("dir", null, 0, Token));
            await Is(libvirt.StorageVolDeleteAsync(vol, 0, Token));
            await Is(libvirt.StorageVolDeleteAsync(await libvirt.StorageVolLookupByNameAsync(pool, "b", Token), 0, Token));
            await Is(libvirt.StoragePoolDestroyAsync(pool, Token));
            await Is(libvirt.StoragePoolDeleteAsync(pool, 0, Token));
            await Is(libvirt.StoragePoolUndefineAsync(pool, Token));
            Assert.InRange(_results, 28, 50);
        }

        await using (var libvirt = await libvirtd.ConnectAsync("secret:///system"))
        {
            var secret = await libvirt.SecretDefineXmlAsync("<secret ephemeral='yes'><usage type='ceph'><name>hv-questions</name></usage></secret>", 0, Token);
            await Is(libvirt.SecretGetXmlDescAsync(secret, 0, Token));
            await Is(libvirt.SecretLookupByUuidAsync(secret.Uuid, Token));
            await Is(libvirt.ConnectNumOfSecretsAsync(Token));
            await Is(libvirt.ConnectListSecretsAsync(10, Token));
            await Is(libvirt.ConnectListAllSecretsAsync(1, 0, Token));
            await Is(libvirt.SecretUndefineAsync(secret, Token));
        }

        await using var devices = await libvirtd.ConnectAsync("test:///default");
        await Is(devices.NodeNumOfDevicesAsync(null, 0, Token));
        string device = (await devices.NodeListDevicesAsync(null, 10, 0, Token))[0];
        await Is(devices.NodeDeviceLookupByNameAsync(device, Token));
        await Is(devices.NodeDeviceGetXmlDescAsync(device, 0, Token));
        await Is(devices.NodeDeviceGetParentAsync(device, Token));
        await Is(devices.NodeDeviceNumOfCapsAsync(device, Token));
        await Is(devices.NodeDeviceListCapsAsync(device, 10, Token));
        await Is(devices.NodeDeviceIsActiveAsync(device, Token));
        await Is(devices.NodeDeviceIsPersistentAsync(device, Token));
        await Is(devices.NodeDeviceGetAutostartAsync(device, Token));
        await Is(devices.ConnectListAllNodeDevicesAsync(1, 0, Token));
        await Is(devices.NodeDeviceLookupScsiHostByWwnAsync("2000000012341234", "1000000012341234", 0, Token));
    }

    private async Task Is<T>(ValueTask<T> call)
    {
        try
        {
            await call;
            _results++;
        }
        catch (LibvirtException error)
        {
            // The daemon's own no is an answer; not to know the procedure is none in one of 9.0.
            Assert.NotEqual(VirErrorNumber.ErrRpc, error.Number);
        }
    }

    private async Task Is(ValueTask call)
    {
        try
        {
            await call;
            _results++;
        }
        catch (LibvirtException error)
        {
            Assert.NotEqual(VirErrorNumber.ErrRpc, error.Number);
        }
    }
}
