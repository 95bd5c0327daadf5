using System.Diagnostics;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>Guests that move between two real daemons, each a host of its own as far as one machine can be two: another name, another id, another directory where the pool is.</summary>
[Peer("libvirt")]
[Collection(LibvirtGuest.OneAtATime)]
public sealed class LibvirtMigrationTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("MIG-01")]
    [Feature("MIG-02")]
    public async Task A_guest_moves_with_its_disk_to_another_daemon_and_stays_where_it_is_when_that_fails_or_is_cancelled()
    {
        await using var guest = await LibvirtGuest.BootAsync(libvirtd);
        await using var second = await SecondDaemon.StartAsync(libvirtd);
        var migration = guest.Backend.Get<IMigration>();
        var target = new MigrationTarget { Backend = second.Backend.Name };
        await guest.WriteAsync("/data/file", "moved");
        await guest.WriteAsync("/tmp/in-memory", "alive");

        await ObstaclesAsync(guest, migration, target);
        await CancelledAsync(guest, migration, target);

        var moving = await migration.MigrateAsync(guest.Id, target, new MigrationOptions { WithStorage = true, MaxDowntime = TimeSpan.FromMilliseconds(500) }, new RequestOptions { RequestId = RequestId.New() }, Token);
        var moved = await moving.WaitAsync(Token);
        Assert.Equal((PowerState.Running, guest.Id), (moved.State, moved.Id));
        Assert.Null(await guest.Hypervisor.FindAsync(guest.Id, Token));
        Assert.Equal(RequestState.Succeeded, (await second.Backend.Get<IRequestLog>().LookUpAsync(moving.RequestId, Token)).State);
        await using var there = guest.At(second.Backend);
        await there.AnswersAsync();
        Assert.Equal(("moved", "alive"), (await there.RunAsync("cat", "/data/file"), await there.RunAsync("cat", "/tmp/in-memory")));
        // What was copied is not kept twice.
        Assert.DoesNotContain(guest.Id.ToString(), await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "vol-list", "default"), StringComparison.Ordinal);
        await BackByTheDaemonsAsync(there, second);
    }

    /// <summary>From the second to the first, which the second reaches by an address: this process only asks for it.</summary>
    private async Task BackByTheDaemonsAsync(LibvirtGuest guest, SecondDaemon second)
    {
        string uri = $"{LibvirtGuest.Driver}?socket={libvirtd.Socket}";
        await using var unreachable = await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Name = "unreachable", Uri = uri, DomainType = "qemu", PeerUri = uri + "-nobody", MigrationUri = second.MigrationUri }, Token);
        var refused = await Assert.ThrowsAnyAsync<HypervisorException>(() => MoveAsync(unreachable));
        Assert.Equal(RequestOutcome.Rejected, refused.Outcome);
        Assert.Equal(PowerState.Running, (await guest.Hypervisor.FindAsync(guest.Id, Token))!.State);

        await using var first = await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Name = "first", Uri = uri, DomainType = "qemu", PeerUri = uri, MigrationUri = second.MigrationUri }, Token);
        var moved = await MoveAsync(first);
        Assert.Equal((PowerState.Running, guest.Id), (moved.State, moved.Id));
        Assert.Null(await guest.Hypervisor.FindAsync(guest.Id, Token));
        await using var back = guest.At(first);
        await back.AnswersAsync();
        Assert.Equal(("moved", "alive"), (await back.RunAsync("cat", "/data/file"), await back.RunAsync("cat", "/tmp/in-memory")));
        Assert.DoesNotContain(guest.Id.ToString(), await Virsh.RunAsync(second.Socket, LibvirtGuest.Driver, "vol-list", "default"), StringComparison.Ordinal);

        Task<Instance> MoveAsync(LibvirtBackend target) => guest.Backend.Get<IMigration>()
            .MigrateAsync(guest.Id, new MigrationTarget { Backend = target.Name }, new MigrationOptions { WithStorage = true, MaxDowntime = TimeSpan.FromMilliseconds(500) }, null, Token).WaitForCompletionAsync(Token);
    }

    private static async Task ObstaclesAsync(LibvirtGuest guest, IMigration migration, MigrationTarget target)
    {
        Assert.True((await migration.CheckAsync(guest.Id, target, Token)).IsPossible);
        Assert.Contains("nobody", Assert.Single((await migration.CheckAsync(guest.Id, new MigrationTarget { Backend = BackendName.Parse("nobody") }, Token)).Obstacles), StringComparison.Ordinal);
        Assert.Contains("is the daemon", Assert.Single((await migration.CheckAsync(guest.Id, new MigrationTarget { Backend = guest.Backend.Name }, Token)).Obstacles), StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => migration.MigrateAsync(guest.Id, new MigrationTarget { Backend = BackendName.Parse("nobody") }, null, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal((ErrorCode.InvalidState, RequestOutcome.Rejected), (refused.Code, refused.Outcome));
        // libvirt itself refuses to let two hosts write to a file that they do not share.
        var unsafely = await Assert.ThrowsAnyAsync<HypervisorException>(() => migration.MigrateAsync(guest.Id, target, null, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(RequestOutcome.Rejected, unsafely.Outcome);
        Assert.Equal(PowerState.Running, (await guest.Hypervisor.FindAsync(guest.Id, Token))!.State);
    }

    private static async Task CancelledAsync(LibvirtGuest guest, IMigration migration, MigrationTarget target)
    {
        // So slow that it does not end by itself: 64 MiB and the memory at 1 MiB a second.
        var moving = await migration.MigrateAsync(guest.Id, target, new MigrationOptions { WithStorage = true, MaxBandwidthPerSecond = ByteSize.FromMiB(1) }, null, Token);
        await foreach (var progress in moving.WatchAsync(Token))
        {
            if (progress.Fraction > 0)
                break;
        }

        Assert.True(await moving.TryCancelAsync(Token));
        var cancelled = await Assert.ThrowsAsync<HypervisorException>(() => moving.WaitAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, cancelled.Code);
        Assert.Equal(PowerState.Running, (await guest.Hypervisor.FindAsync(guest.Id, Token))!.State);
        Assert.Equal("moved", await guest.RunAsync("cat", "/data/file"));
    }

    private sealed class SecondDaemon : IAsyncDisposable
    {
        private readonly TempDirectory _directory = new();
        private Process? _process;

        public LibvirtBackend Backend { get; private set; } = null!;

        public string Socket => _directory["s/libvirt-sock"];

        /// <summary>A directory that both daemons share.</summary>
        public string MigrationUri => $"unix://{_directory["s"]}";

        public static async Task<SecondDaemon> StartAsync(Libvirtd first)
        {
            LibvirtdProcess.Require(out string program);
            var second = new SecondDaemon();
            try
            {
                Directory.CreateDirectory(second._directory["pool"]);
                second._process = LibvirtdProcess.Start(program, second._directory, "listen_tls = 0", hostName: "second-host", bind: $"{second._directory["pool"]}:{first.PathOf("default-pool")}");
                string uri = $"{LibvirtGuest.Driver}?socket={second.Socket}";
                await using (var libvirt = await LibvirtConnection.ConnectAsync(new LibvirtUri(uri), cancellationToken: Token))
                    await libvirt.StoragePoolCreateXmlAsync($"<pool type='dir'><name>default</name><target><path>{first.PathOf("default-pool")}</path></target></pool>", 0, Token);
                second.Backend = await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Name = "second", Uri = uri, DomainType = "qemu", MigrationUri = second.MigrationUri }, Token);
                return second;
            }
            catch
            {
                await second.DisposeAsync();
                throw;
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (Backend is not null)
                await Backend.DisposeAsync();
            if (_process is not null)
                await LibvirtdProcess.StopAsync(_process);
            _directory.Dispose();
        }
    }
}
