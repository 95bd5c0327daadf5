using System.Net;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>The ways that the memory of a guest takes.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class MigrationRouteTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 180_000)]
    [InlineData(false, false, 4)]
    [InlineData(true, false, 1)]
    [InlineData(true, true, 1)]
    [InlineData(true, true, 4)]
    public async Task A_machine_moves_there_and_back_by_every_way(bool byTcp, bool encrypted, int channels)
    {
        using var directory = new TempDirectory();
        var authority = new TestAuthority("one");
        void Configure(QemuOptions options)
        {
            options.Migration.Channels = channels;
            options.Migration.Address = byTcp ? IPAddress.Loopback : null;
            options.Migration.TlsDirectory = encrypted ? directory.Path : null;
        }

        if (encrypted)
            authority.Write(directory.Path);
        await using var lab = await MigrationLab.CreateAsync(target: Configure, source: Configure);
        // With a disk of its own, which takes the same way.
        var machine = await lab.StartAsync(QemuLab.EmptySpec("web"));
        var options = new MigrationOptions { WithStorage = true };
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, options, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
        await lab.Target.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.Back, options, null, Token).WaitForCompletionAsync(Token);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 180_000)]
    public async Task Disks_go_from_QEMU_to_QEMU_by_the_way_of_the_memory_and_through_nobody_else()
    {
        using var directory = new TempDirectory();
        new TestAuthority("one").Write(directory.Path);
        await using var lab = await MigrationLab.CreateAsync(
            source: options => options.Migration.TlsDirectory = directory.Path,
            target: options => (options.Migration.Address, options.Migration.TlsDirectory) = (IPAddress.Loopback, directory.Path));
        byte[] content = new byte[4 << 20];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(Path.Combine(lab.Lab.Images, "full.raw"), content, Token);
        var machine = await lab.StartAsync(QemuLab.EmptySpec("full", spec => spec.Disks[0].Content = new DiskContent.FromImage("full.raw")));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, new MigrationOptions { WithStorage = true, MaxBandwidthPerSecond = ByteSize.FromKiB(64) }, null, Token);
        await MigrationStorageTests.CopyingAsync(operation);
        var (found, config) = lab.Source.Table.Require(machine.Id);
        var nodes = await lab.Source.Table.AskAsync(found, config, async client => await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: Token), Token);
        Assert.Contains("127.0.0.1", Assert.Single(nodes, node => node.NodeName!.StartsWith("hv-move", StringComparison.Ordinal)).File, StringComparison.Ordinal);
        Assert.False(File.Exists(lab.Source.Services.Runtime.SocketOf(machine.Id.ToString(), "move.sock")));
        Assert.True(await operation.TryCancelAsync(Token));
        await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_end_whose_certificate_is_of_another_authority_gets_no_guest_and_gives_none(bool isSource)
    {
        using var good = new TempDirectory();
        using var bad = new TempDirectory();
        new TestAuthority("one").Write(good.Path);
        new TestAuthority("other").Write(bad.Path);
        await using var lab = await MigrationLab.CreateAsync(
            source: options => options.Migration.TlsDirectory = isSource ? bad.Path : good.Path,
            target: options => (options.Migration.Address, options.Migration.TlsDirectory) = (IPAddress.Loopback, isSource ? good.Path : bad.Path));
        await RefusedAsync(lab);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_target_that_has_the_certificate_of_another_name_gets_no_guest()
    {
        using var directory = new TempDirectory();
        new TestAuthority("one").Write(directory.Path);
        await using var lab = await MigrationLab.CreateAsync(
            source: options => options.Migration.TlsDirectory = directory.Path,
            target: options => options.Migration = new QemuMigrationOptions { Address = IPAddress.Loopback, TlsDirectory = directory.Path, TlsHostName = "rack2.example" });
        await RefusedAsync(lab);
    }

    [Fact(Timeout = 180_000)]
    public async Task Ends_that_do_not_agree_on_encryption_are_an_obstacle_and_nothing_goes_in_the_clear()
    {
        using var directory = new TempDirectory();
        new TestAuthority("one").Write(directory.Path);
        await using var lab = await MigrationLab.CreateAsync(
            source: options => options.Migration.TlsDirectory = directory.Path,
            target: options => options.Migration.Address = IPAddress.Loopback);
        var machine = await lab.StartAsync(lab.Shared("web"));
        Assert.Contains("unencrypted", Assert.Single((await lab.Source.Get<IMigration>().CheckAsync(machine.Id, MigrationLab.To, Token)).Obstacles), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new QemuMigrationOptions { Address = IPAddress.Parse("192.0.2.1") }.Validated());
        Assert.Throws<ArgumentException>(() => new QemuMigrationOptions { Channels = 0 }.Validated());
        Assert.NotNull(new QemuMigrationOptions { Address = IPAddress.Parse("192.0.2.1"), AllowUnencrypted = true }.Validated());
    }

    [Theory(Timeout = 180_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_QEMU_that_is_killed_while_several_connections_carry_memory_leaves_the_machine_at_the_source_alone(bool byTcp)
    {
        await using var lab = await MigrationLab.CreateAsync(target: options => options.Migration = new QemuMigrationOptions { Address = byTcp ? IPAddress.Loopback : null, Channels = 3 });
        var machine = await lab.StartAsync(lab.Shared("web"));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, MigrationTests.Slow, null, Token);
        await MigrationTests.UnderWayAsync(operation);
        var record = lab.Target.Services.State.ReadProcess(machine.Id.ToString())!;
        using (var victim = LiveProcess.TryHold(new ProcessIdentity(record.Pid, record.StartTicks, record.BootId))!)
        {
            victim.Kill();
            await victim.Exited.WaitAsync(Token);
        }

        await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 180_000)]
    public async Task The_limits_of_a_move_are_those_that_QEMU_keeps()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(lab.Shared("web"));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, MigrationTests.Slow, null, Token);
        await MigrationTests.UnderWayAsync(operation);
        var (found, config) = lab.Source.Table.Require(machine.Id);
        var parameters = await lab.Source.Table.AskAsync(found, config, async client => await client.QueryMigrateParametersAsync(Token), Token);
        Assert.Equal((8UL << 10, 1UL), (parameters.MaxBandwidth, parameters.DowntimeLimit));
        Assert.True(await operation.TryCancelAsync(Token));
        await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    private static async Task RefusedAsync(MigrationLab lab)
    {
        foreach (var spec in (VirtualMachineSpec[])[lab.Shared("web"), QemuLab.EmptySpec("disks")])
        {
            var machine = await lab.StartAsync(spec);
            await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, new MigrationOptions { WithStorage = true }, null, Token).WaitForCompletionAsync(Token));
            Assert.False(await lab.AssertLivesOnceAsync(machine));
            await lab.Source.Get<IHypervisor>().DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        }
    }
}
