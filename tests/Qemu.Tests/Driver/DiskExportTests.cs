#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Diagnostics;
using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Disks that other programs read: qemu-img, which knows nothing of this driver.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class DiskExportTests
{
    private const int DiskBytes = 8 << 20;

    private static readonly DeviceId s_disk = DeviceId.Parse("disk0");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_program_reads_a_disk_as_it_was_at_the_moment_and_writes_nothing(bool byTcp)
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        Assert.Equal(CapabilitySupport.Conditional, (await backend.QueryAsync(Capability.Parse("export-disks"), default, Token)).Support);
        var id = await StartedAsync(backend);
        await WriteAsync(backend, id, "write -P 1 1M 2M");
        string copy = lab["copy.raw"];
        Uri address;
        await using (var export = await backend.Get<IDiskExports>().ExportAsync(id, s_disk, byTcp ? new DiskExportOptions { Listen = IPAddress.Loopback } : null, Token))
        {
            address = export.Address;
            Assert.Equal(byTcp ? "nbd" : "nbd+unix", address.Scheme);
            await WriteAsync(backend, id, "write -P 2 0 4M");
            Assert.Equal(0, await RunAsync("qemu-img", "convert", "-O", "raw", address.OriginalString, copy));
            Assert.NotEqual(0, await RunAsync("qemu-io", "-f", "raw", "-c", "write 0 4k", address.OriginalString));
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IBackupSource>().BeginAsync(id, null, Token))).Code);
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IDiskExports>().ExportAsync(id, s_disk, null, Token))).Code);
        }

        byte[] expected = new byte[DiskBytes];
        expected.AsSpan(1 << 20, 2 << 20).Fill(1);
        Assert.Equal(SHA256.HashData(expected), SHA256.HashData(await File.ReadAllBytesAsync(copy, Token)));
        Assert.NotEqual(0, await RunAsync("qemu-img", "info", address.OriginalString));
        await AssertNothingLeftAsync(backend, id);
        await using var backup = await backend.Get<IBackupSource>().BeginAsync(id, null, Token);
        Assert.Single(backup.Disks);
    }

    [Fact(Timeout = 120_000)]
    public async Task Over_a_network_both_ends_prove_who_they_are()
    {
        await using var lab = await QemuLab.CreateAsync();
        using TempDirectory known = new(), stranger = new();
        new TestAuthority("known").Write(known.Path);
        new TestAuthority("stranger").Write(stranger.Path);
        await using var backend = await lab.ConnectAsync(options => options.ExportTlsDirectory = known.Path);
        var id = await StartedAsync(backend);
        await WriteAsync(backend, id, "write -P 7 0 8M");
        string copy = lab["copy.raw"];
        await using (var export = await backend.Get<IDiskExports>().ExportAsync(id, s_disk, new DiskExportOptions { Listen = IPAddress.Loopback }, Token))
        {
            Assert.Equal("nbds", export.Address.Scheme);
            Assert.NotEqual(0, await RunAsync("qemu-img", "info", $"nbd://127.0.0.1:{export.Address.Port}/disk0"));
            Assert.NotEqual(0, await ReadAsync(stranger.Path, export.Address));
            Assert.Equal(0, await ReadAsync(known.Path, export.Address));
        }

        Assert.True((await File.ReadAllBytesAsync(copy, Token)).AsSpan().IndexOfAnyExcept((byte)7) < 0);
        await AssertNothingLeftAsync(backend, id);

        Task<int> ReadAsync(string certificates, Uri address) => RunAsync(
            "qemu-img", "convert", "--object", $"tls-creds-x509,id=t,dir={certificates},endpoint=client", "--image-opts", $"driver=nbd,server.type=inet,server.host=127.0.0.1,server.port={address.Port},export=disk0,tls-creds=t", "-O", "raw", copy);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_cannot_be_exported_is_refused_and_leaves_nothing()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var exports = backend.Get<IDiskExports>();
        var id = await StartedAsync(backend);
        await RefusedAsync(ErrorCode.NotFound, () => exports.ExportAsync(id, DeviceId.Parse("disk9"), null, Token));
        await RefusedAsync(ErrorCode.Unsupported, () => exports.ExportAsync(id, s_disk, new DiskExportOptions { Listen = IPAddress.Any }, Token));
        // TEST-NET-1 (RFC 5737) is nobody's; with certificates it is tried.
        Directory.CreateDirectory(lab["certificates"]);
        new TestAuthority("exports").Write(lab["certificates"]);
        await using (var other = await lab.ConnectAsync(options => options.ExportTlsDirectory = lab["certificates"]))
            await RefusedAsync(ErrorCode.InvalidArgument, () => other.Get<IDiskExports>().ExportAsync(id, s_disk, new DiskExportOptions { Listen = IPAddress.Parse("192.0.2.1") }, Token));
        await AssertNothingLeftAsync(backend, id);
        await backend.Get<IHypervisor>().StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(ErrorCode.InvalidState, () => exports.ExportAsync(id, s_disk, null, Token));

        static async Task RefusedAsync(ErrorCode code, Func<Task<DiskExport>> call) => Assert.Equal(code, (await Assert.ThrowsAsync<HypervisorException>(call)).Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_a_dead_process_has_exported_is_removed_by_the_next_that_connects()
    {
        await using var lab = await QemuLab.CreateAsync();
        var seam = new CrashSeam();
        var doomed = await lab.ConnectAsync(null, seam);
        var id = await StartedAsync(doomed);
        var export = await doomed.Get<IDiskExports>().ExportAsync(id, s_disk, new DiskExportOptions { Listen = IPAddress.Loopback }, Token);
        seam.Crash();
        // The end of the process lets go of the lock, as disposing does.
        await Assert.ThrowsAsync<CrashException>(async () => await export.DisposeAsync());
        await lab.AbandonAsync(doomed);
        await using var next = await lab.ConnectAsync();
        Assert.NotEqual(0, await RunAsync("qemu-img", "info", export.Address.OriginalString));
        await AssertNothingLeftAsync(next, id);
        await CrashPoints.AssertNothingOrphanedAsync(lab, next);
        await using var again = await next.Get<IDiskExports>().ExportAsync(id, s_disk, null, Token);
    }

    private static async Task<InstanceId> StartedAsync(QemuBackend backend)
    {
        var vm = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IHypervisor>().StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        return vm.Id;
    }

    private static async Task AssertNothingLeftAsync(QemuBackend backend, InstanceId id)
    {
        var (machine, config) = backend.Table.Require(id);
        var (jobs, exports, nodes, objects) = await backend.Table.AskAsync(machine, config, async client => (
            await client.QueryJobsAsync(Token), await client.QueryBlockExportsAsync(Token), await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: Token), await client.QomListAsync("/objects", Token)), Token);
        Assert.Empty(jobs);
        Assert.Empty(exports);
        Assert.DoesNotContain(nodes, node => node.NodeName!.StartsWith("hv-backup", StringComparison.Ordinal) || node.DirtyBitmaps is { Count: > 0 });
        Assert.DoesNotContain(objects, found => found.Name.StartsWith("hv-export", StringComparison.Ordinal));
    }

    private static async Task WriteAsync(QemuBackend backend, InstanceId id, string command)
    {
        var (machine, config) = backend.Table.Require(id);
        string said = await backend.Table.AskAsync(machine, config, async client => await client.HumanMonitorCommandAsync($"qemu-io -d /machine/peripheral/disk0/virtio-backend \"{command}\"", cancellationToken: Token), Token);
        Assert.DoesNotContain("rror", said, StringComparison.Ordinal);
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(RealPeer.Program(program), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(Token);
        string error = await process.StandardError.ReadToEndAsync(Token);
        await output;
        await process.WaitForExitAsync(Token);
        TestContext.Current.TestOutputHelper?.WriteLine($"{program} {string.Join(' ', arguments)}: {process.ExitCode} {error}");
        return process.ExitCode;
    }
}
