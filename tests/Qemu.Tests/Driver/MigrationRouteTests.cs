using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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
        var authority = new Authority("one");
        void Configure(QemuOptions options)
        {
            options.Migration.Channels = channels;
            options.Migration.Address = byTcp ? IPAddress.Loopback : null;
            options.Migration.TlsDirectory = encrypted ? directory.Path : null;
        }

        if (encrypted)
            authority.Write(directory.Path);
        await using var lab = await MigrationLab.CreateAsync(target: Configure, source: Configure);
        var machine = await lab.StartAsync(lab.Shared("web"));
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, null, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
        await lab.Target.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.Back, null, null, Token).WaitForCompletionAsync(Token);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_end_whose_certificate_is_of_another_authority_gets_no_guest_and_gives_none(bool isSource)
    {
        using var good = new TempDirectory();
        using var bad = new TempDirectory();
        new Authority("one").Write(good.Path);
        new Authority("other").Write(bad.Path);
        await using var lab = await MigrationLab.CreateAsync(
            source: options => options.Migration.TlsDirectory = isSource ? bad.Path : good.Path,
            target: options => (options.Migration.Address, options.Migration.TlsDirectory) = (IPAddress.Loopback, isSource ? good.Path : bad.Path));
        await RefusedAsync(lab);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_target_that_has_the_certificate_of_another_name_gets_no_guest()
    {
        using var directory = new TempDirectory();
        new Authority("one").Write(directory.Path);
        await using var lab = await MigrationLab.CreateAsync(
            source: options => options.Migration.TlsDirectory = directory.Path,
            target: options => options.Migration = new QemuMigrationOptions { Address = IPAddress.Loopback, TlsDirectory = directory.Path, TlsHostName = "rack2.example" });
        await RefusedAsync(lab);
    }

    [Fact(Timeout = 180_000)]
    public async Task Ends_that_do_not_agree_on_encryption_are_an_obstacle_and_nothing_goes_in_the_clear()
    {
        using var directory = new TempDirectory();
        new Authority("one").Write(directory.Path);
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
        var machine = await lab.StartAsync(lab.Shared("web"));
        await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, null, null, Token).WaitForCompletionAsync(Token));
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    /// <summary>A certificate authority that writes what QEMU reads.</summary>
    private sealed class Authority
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        private readonly X509Certificate2 _certificate;

        public Authority(string name)
        {
            var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
            _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(100));
        }

        public void Write(string directory)
        {
            // QEMU goes in there as another user when the tests are run by root.
            File.SetUnixFileMode(directory, (UnixFileMode)0b111_101_101);
            Write(directory, "ca-cert.pem", _certificate.ExportCertificatePem());
            Issue(directory, "server", "1.3.6.1.5.5.7.3.1");
            Issue(directory, "client", "1.3.6.1.5.5.7.3.2");
        }

        private void Issue(string directory, string name, string usage)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], true));
            using var issued = request.Create(_certificate, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30), RandomNumberGenerator.GetBytes(8));
            Write(directory, name + "-cert.pem", issued.ExportCertificatePem());
            Write(directory, name + "-key.pem", key.ExportPkcs8PrivateKeyPem());
        }

        private static void Write(string directory, string file, string content)
        {
            string path = Path.Combine(directory, file);
            File.WriteAllText(path, content);
            // QEMU runs as another user when the tests are run by root.
            File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);
        }
    }
}
