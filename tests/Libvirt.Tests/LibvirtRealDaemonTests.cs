using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests;

[Peer("libvirt")]
public sealed class LibvirtRealDaemonTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_domain_is_looked_up_over_a_unix_socket()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        Assert.Equal("TEST", await libvirt.ConnectGetTypeAsync(Token));
        Assert.InRange(await libvirt.ConnectGetLibVersionAsync(Token), 9_000_000ul, 99_000_000ul);
        var domain = await libvirt.DomainLookupByNameAsync("web1", Token);
        var info = await libvirt.DomainGetInfoAsync(domain, Token);
        Assert.Equal((VirDomainState.Running, 64ul * 1024, 2), ((VirDomainState)info.State, info.MaxMem, info.NrVirtCpu));
        Assert.Equal(domain.Uuid, (await libvirt.DomainLookupByUuidAsync(domain.Uuid, Token)).Uuid);
        Assert.Equal(domain.Id, (await libvirt.DomainLookupByIdAsync(domain.Id, Token)).Id);
        Assert.Contains($"<uuid>{domain.Uuid}</uuid>", await libvirt.DomainGetXmlDescAsync(domain, 0, Token), StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_domain_is_looked_up_over_tcp()
    {
        int port = await libvirtd.TcpPortAsync();
        await using var libvirt = await LibvirtConnection.ConnectAsync(new LibvirtUri($"test+tcp://127.0.0.1:{port}/default?name={Uri.EscapeDataString(libvirtd.NewNode())}"), cancellationToken: Token);
        Assert.Equal("web1", (await libvirt.DomainLookupByNameAsync("web1", Token)).Name);
    }

    [Fact(Timeout = 120_000)]
    public async Task An_error_of_the_daemon_keeps_its_own_code_domain_level_and_strings()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var error = await Assert.ThrowsAsync<LibvirtException>(async () => await libvirt.DomainLookupByNameAsync("</name><devices>", Token));
        Assert.Equal((VirErrorNumber.ErrNoDomain, VirErrorDomain.Test, VirErrorLevel.Error), (error.Number, error.Domain, error.Level));
        Assert.Equal((ErrorCode.NotFound, RequestOutcome.Rejected), (error.Code, error.Outcome));
        Assert.StartsWith("Domain not found", error.BackendMessage, StringComparison.Ordinal);
        Assert.Equal(error.BackendMessage, string.Format(System.Globalization.CultureInfo.InvariantCulture, error.Str1!.Replace("%s", "{0}", StringComparison.Ordinal), error.Str2));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_hypervisor_that_is_not_there_is_refused_when_it_is_opened()
    {
        await libvirtd.StartAsync();
        var error = await Assert.ThrowsAsync<LibvirtException>(() => libvirtd.ConnectAsync("nonsense:///system"));
        Assert.Equal(RequestOutcome.Rejected, error.Outcome);
    }

    [Fact(Timeout = 120_000)]
    public async Task Nobody_listening_is_a_connection_error_and_nothing_was_sent()
    {
        using var directory = new TempDirectory();
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => LibvirtConnection.ConnectAsync(new LibvirtUri($"test:///default?socket={directory["none"]}"), cancellationToken: Token));
        Assert.Equal((RequestOutcome.NotSent, ErrorCode.Unavailable), (error.Outcome, error.Code));
    }

    [Fact(Timeout = 120_000)]
    public async Task Many_calls_in_flight_are_all_answered()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var domain = await libvirt.DomainLookupByNameAsync("web1", Token);
        var calls = Enumerable.Range(0, 2000).Select(i => i % 2 == 0 ? libvirt.DomainGetInfoAsync(domain, Token).AsTask() as Task : libvirt.ConnectGetLibVersionAsync(Token).AsTask()).ToList();
        await Task.WhenAll(calls);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_domain_goes_through_its_life_and_the_events_tell_it()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        await using var subscription = await libvirt.SubscribeDomainEventsAsync([VirDomainEventID.Lifecycle], cancellationToken: Token);
        var domain = await libvirt.DomainDefineXmlAsync("<domain type='test'><name>ümlaut ☃</name><memory unit='MiB'>32</memory><os><type>hvm</type></os></domain>", Token);
        Assert.Equal("ümlaut ☃", domain.Name);
        await libvirt.DomainCreateAsync(domain, Token);
        await libvirt.DomainSuspendAsync(domain, Token);
        await libvirt.DomainResumeAsync(domain, Token);
        await libvirt.DomainRebootAsync(domain, 0, Token);
        await libvirt.DomainDestroyAsync(domain, Token);
        await libvirt.DomainUndefineAsync(domain, Token);
        VirDomainEventType[] expected =
            [VirDomainEventType.Defined, VirDomainEventType.Started, VirDomainEventType.Suspended, VirDomainEventType.Resumed, VirDomainEventType.Stopped, VirDomainEventType.Undefined];
        foreach (var type in expected)
        {
            var lifecycle = Assert.IsType<DomainEventCallbackLifecycleMsg>(await subscription.ReadAsync(Token));
            Assert.Equal((type, "ümlaut ☃"), ((VirDomainEventType)lifecycle.Msg.Event, lifecycle.Msg.Dom.Name));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Networks_pools_and_secrets_tell_their_events_to_those_who_subscribed()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        await using var networks = await libvirt.SubscribeNetworkEventsAsync([VirNetworkEventID.Lifecycle], cancellationToken: Token);
        await using var pools = await libvirt.SubscribeStoragePoolEventsAsync([VirStoragePoolEventID.Lifecycle], cancellationToken: Token);
        var network = await libvirt.NetworkDefineXmlAsync("<network><name>net1</name><bridge name='virbr77'/><ip address='192.168.77.1' netmask='255.255.255.0'/></network>", Token);
        await libvirt.NetworkCreateAsync(network, Token);
        var pool = await libvirt.StoragePoolDefineXmlAsync("<pool type='dir'><name>pool1</name><target><path>/tmp/pool1</path></target></pool>", 0, Token);
        await libvirt.StoragePoolCreateAsync(pool, 0, Token);
        Assert.Equal("net1", Assert.IsType<NetworkEventLifecycleMsg>(await networks.ReadAsync(Token)).Net.Name);
        Assert.Equal((int)VirNetworkEventLifecycleType.Started, Assert.IsType<NetworkEventLifecycleMsg>(await networks.ReadAsync(Token)).Event);
        Assert.Equal("pool1", Assert.IsType<StoragePoolEventLifecycleMsg>(await pools.ReadAsync(Token)).Pool.Name);
    }

    [Fact(Timeout = 120_000)]
    public async Task Statistics_of_all_domains_come_in_one_call()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var domains = await libvirt.ConnectListAllDomainsAsync(1, 0, Token);
        Assert.Equal("web1", Assert.Single(domains.Domains).Name);
        var stats = await libvirt.ConnectGetAllDomainStatsAsync([], 0, 0, Token);
        Assert.Contains(Assert.Single(stats).Params, parameter => parameter.Field == "state.state" && parameter.Value.AsInt32() == (int)VirDomainState.Running);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_screenshot_comes_with_its_type_as_a_stream()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var domain = await libvirt.DomainLookupByNameAsync("web1", Token);
        await using var stream = await libvirt.DomainScreenshotAsync(domain, 0, 0, Token);
        Assert.Equal("image/png", stream.Result);
        byte[] picture = await ReadAllAsync(stream);
        Assert.Equal("89504E47", Convert.ToHexString(picture, 0, 4));
        await stream.FinishAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_volume_is_uploaded_and_downloaded_byte_for_byte()
    {
        await using var libvirt = await libvirtd.ConnectAsync("storage:///system");
        var (pool, volume) = await NewVolumeAsync(libvirt, "bytes", 3_000_000);
        byte[] content = new byte[3_000_000];
        new Random(5).NextBytes(content);
        await using (var upload = await libvirt.StorageVolUploadAsync(volume, 0, (ulong)content.Length, 0, Token))
        {
            await upload.WriteAsync(content, Token);
            await upload.FinishAsync(Token);
        }

        await using (var download = await libvirt.StorageVolDownloadAsync(volume, 0, 0, 0, Token))
        {
            byte[] arrived = await ReadAllAsync(download);
            Assert.True(content.AsSpan().SequenceEqual(arrived));
            await download.FinishAsync(Token);
        }

        Assert.Equal(3_000_000ul, (await libvirt.StorageVolGetInfoAsync(volume, Token)).Capacity);
        await RemoveAsync(libvirt, pool, volume);
    }

    [Fact(Timeout = 120_000)]
    public async Task Holes_of_a_volume_pass_both_ways_as_holes()
    {
        await using var libvirt = await libvirtd.ConnectAsync("storage:///system");
        var (pool, volume) = await NewVolumeAsync(libvirt, "holes", 64 * 1024 * 1024);
        byte[] data = new byte[128 * 1024];
        new Random(6).NextBytes(data);
        await using (var upload = await libvirt.StorageVolUploadAsync(volume, 0, 0, (uint)VirStorageVolUploadFlags.SparseStream, Token))
        {
            await upload.WriteHoleAsync(32 * 1024 * 1024, Token);
            await upload.WriteAsync(data, Token);
            await upload.WriteHoleAsync((32 * 1024 * 1024) - data.Length, Token);
            await upload.FinishAsync(Token);
        }

        long bytes = 0;
        long holes = 0;
        await using (var download = await libvirt.StorageVolDownloadAsync(volume, 0, 0, (uint)VirStorageVolDownloadFlags.SparseStream, Token))
        {
            byte[] buffer = new byte[64 * 1024];
            while (await download.ReadPartAsync(buffer, Token) is { IsEnd: false } part)
            {
                bytes += part.Bytes;
                holes += part.HoleBytes;
            }

            await download.FinishAsync(Token);
        }

        Assert.Equal(64 * 1024 * 1024, bytes + holes);
        Assert.InRange(bytes, data.Length, 1024 * 1024);
        await RemoveAsync(libvirt, pool, volume);
    }

    [Fact(Timeout = 120_000)]
    public async Task An_upload_that_does_not_fit_fails_when_it_is_finished_at_the_latest()
    {
        await using var libvirt = await libvirtd.ConnectAsync("storage:///system");
        var (pool, volume) = await NewVolumeAsync(libvirt, "small", 4096);
        await Assert.ThrowsAsync<LibvirtException>(async () =>
        {
            await using var upload = await libvirt.StorageVolUploadAsync(volume, 0, 4096, 0, Token);
            await upload.WriteAsync(new byte[64 * 1024], Token);
            await upload.FinishAsync(Token);
        });
        Assert.Null(libvirt.CloseReason);
        await RemoveAsync(libvirt, pool, volume);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_secret_is_kept_by_the_daemon_and_its_events_come()
    {
        await using var libvirt = await libvirtd.ConnectAsync("secret:///system");
        await using var events = await libvirt.SubscribeSecretEventsAsync([VirSecretEventID.Lifecycle, VirSecretEventID.ValueChanged], cancellationToken: Token);
        var secret = await libvirt.SecretDefineXmlAsync("<secret ephemeral='yes' private='no'><usage type='ceph'><name>hv-test</name></usage></secret>", 0, Token);
        await libvirt.SecretSetValueAsync(secret, [1, 2, 255], 0, Token);
        Assert.Equal([1, 2, 255], await libvirt.SecretGetValueAsync(secret, 0, Token));
        Assert.Equal(secret.Uuid, (await libvirt.SecretLookupByUsageAsync((int)VirSecretUsageType.Ceph, "hv-test", Token)).Uuid);
        Assert.Equal(secret.Uuid, Assert.IsType<SecretEventLifecycleMsg>(await events.ReadAsync(Token)).Secret.Uuid);
        Assert.Equal(secret.Uuid, Assert.IsType<SecretEventValueChangedMsg>(await events.ReadAsync(Token)).Secret.Uuid);
        await libvirt.SecretUndefineAsync(secret, Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_real_daemon_answers_keepalive_messages_while_nothing_else_is_said()
    {
        await libvirtd.StartAsync();
        var time = new ManualTimeProvider();
        var relay = libvirtd.NewRelay();
        await using var libvirt = await LibvirtConnection.ConnectAsync(
            Libvirtd.Uri(relay, "test:///default"), new LibvirtOptions { TimeProvider = time, KeepAliveInterval = TimeSpan.FromSeconds(5), KeepAliveCount = 1 }, Token);
        for (int i = 0; i < 5; i++)
        {
            // The first interval was not silent; those after an answer are not either.
            time.Advance(TimeSpan.FromSeconds(5));
            time.Advance(TimeSpan.FromSeconds(5));
            await relay.KeepAlives.WaitAsync(Token);
            await libvirt.ConnectGetTypeAsync(Token);
        }

        Assert.Null(libvirt.CloseReason);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_administration_socket_lists_servers_and_clients()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        var relay = libvirtd.NewRelay(libvirtd.AdminSocket);
        await using var admin = await LibvirtAdminConnection.ConnectAsync(relay.Path, cancellationToken: Token);
        Assert.InRange(await admin.ConnectGetLibVersionAsync(Token), 9_000_000ul, 99_000_000ul);
        var servers = await admin.ConnectListServersAsync(1, 0, Token);
        var server = Assert.Single(servers.Servers, server => server.Name == "libvirtd");
        var clients = await admin.ServerListClientsAsync(server, 1, 0, Token);
        Assert.NotEmpty(clients.Clients);
        var limits = await admin.ServerGetClientLimitsAsync(server, 0, Token);
        Assert.Contains(limits, limit => limit.Field == "nclients_max");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_procedure_that_the_daemon_does_not_know_is_its_error_and_not_the_connections()
    {
        await using var libvirt = await libvirtd.ConnectAsync();
        if (await libvirt.ConnectGetLibVersionAsync(Token) >= 9_001_000)
            Assert.Skip("This libvirt is newer than 9.0 and knows the procedure.");
        var domain = await libvirt.DomainLookupByNameAsync("web1", Token);
        var error = await Assert.ThrowsAsync<LibvirtException>(async () => await libvirt.DomainGraphicsReloadAsync(domain, 0, 0, Token));
        Assert.Equal((VirErrorNumber.ErrRpc, RequestOutcome.Rejected), (error.Number, error.Outcome));
        Assert.Null(libvirt.CloseReason);
    }

    private async Task<(VirStoragePool Pool, VirStorageVol Volume)> NewVolumeAsync(LibvirtConnection libvirt, string name, long bytes)
    {
        string path = libvirtd.PathOf("pool-" + name);
        Directory.CreateDirectory(path);
        var pool = await libvirt.StoragePoolCreateXmlAsync($"<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>", 0, Token);
        var volume = await libvirt.StorageVolCreateXmlAsync(pool, $"<volume><name>v</name><capacity>{bytes}</capacity><allocation>0</allocation><target><format type='raw'/></target></volume>", 0, Token);
        return (pool, volume);
    }

    private static async Task RemoveAsync(LibvirtConnection libvirt, VirStoragePool pool, VirStorageVol volume)
    {
        await libvirt.StorageVolDeleteAsync(volume, 0, Token);
        await libvirt.StoragePoolDestroyAsync(pool, Token);
    }

    private static async Task<byte[]> ReadAllAsync(LibvirtStream stream)
    {
        using var content = new MemoryStream();
        byte[] buffer = new byte[100_000];
        for (int bytes; (bytes = await stream.ReadAsync(buffer, Token)) > 0;)
            content.Write(buffer, 0, bytes);
        return content.ToArray();
    }
}
