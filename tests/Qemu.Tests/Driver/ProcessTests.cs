using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ProcessTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task QEMU_runs_unprivileged_sandboxed_limited_in_a_session_of_its_own_with_private_files()
    {
        await using var lab = await QemuLab.CreateAsync();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base, raw=1.raw"), new byte[1 << 20], Token);
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(
            QemuLab.EmptySpec("web", spec =>
            {
                spec.Disks.Add(new DiskSpec { Content = new DiskContent.FromImage("base, raw=1.raw") });
                spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(1)), Bus = "scsi" });
                spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(1)), Bus = "sata" });
                spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(1)), Bus = "ide", ReadOnly = false });
                spec.Networks.Add(new NetworkSpec { Network = "user" });
                spec.Networks.Add(new NetworkSpec { Network = "user-restricted" });
                spec.Extensions.Set(new QemuMachine { Graphics = true });
                spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) { MaxCpus = 2, MaxMemory = ByteSize.FromMiB(128) };
            }), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        string id = created.Id.ToString();
        int pid = backend.Services.State.ReadProcess(id)!.Pid;

        // Its own session: no terminal and no end of ours takes it along.
        string[] stat = (await File.ReadAllTextAsync($"/proc/{pid}/stat", Token)).Split(") ")[1].Split(' ');
        Assert.Equal(pid.ToString(CultureInfo.InvariantCulture), stat[3]);
        var status = (await File.ReadAllLinesAsync($"/proc/{pid}/status", Token)).Select(line => line.Split(':', 2)).ToDictionary(line => line[0], line => line[1].Trim());
        if (RunUser.IsRoot)
        {
            Assert.DoesNotContain("0", status["Uid"].Split('\t'));
            Assert.DoesNotContain("0", status["Gid"].Split('\t'));
            Assert.Equal("", status["Groups"]);
            Assert.Equal("0000000000000000", status["CapEff"]);
            Assert.Equal("1", status["NoNewPrivs"]);
        }

        if (backend.Services.Host.HasSandbox)
            Assert.Equal("2", status["Seccomp"]);
        var capability = await backend.QueryAsync(QemuCapabilities.ResourceLimits, default, Token);
        string groups = await File.ReadAllTextAsync($"/proc/{pid}/cgroup", Token);
        if (capability.Support == CapabilitySupport.Yes)
            Assert.Contains($"hypervisor-sdk/{id}", groups, StringComparison.Ordinal);
        else
            Assert.NotEmpty(capability.Reason!);

        // Every directory is its owner's alone, and so is every socket.
        foreach (string directory in Directory.EnumerateDirectories(lab.StateDirectory, "*", SearchOption.AllDirectories).Append(lab.StateDirectory).Append(lab["run"]).Append(Path.Combine(lab["run"], id)))
            Assert.Equal(Private, File.GetUnixFileMode(directory));
        string[] sockets = Directory.GetFiles(Path.Combine(lab["run"], id));
        Assert.Equal(["agent.sock", "changes.sock", "reads.sock", "serial.sock", "vnc.sock"], sockets.Select(socket => Path.GetFileName(socket)).Order(StringComparer.Ordinal));
        Assert.All(sockets, socket => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socket)));
        foreach (string file in Directory.EnumerateFiles(lab.StateDirectory, "*", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        // What came from the caller stands in JSON of its own, never in an option string.
        string[] arguments = (await File.ReadAllTextAsync($"/proc/{pid}/cmdline", Token)).Split('\0');
        Assert.DoesNotContain(arguments, argument => argument.Contains("base, raw", StringComparison.Ordinal));
        for (int i = 0; i < arguments.Length - 1; i++)
        {
            if (arguments[i] is "-blockdev" or "-device" or "-object" or "-netdev")
                using (System.Text.Json.JsonDocument.Parse(arguments[i + 1]))
                    Assert.StartsWith("{", arguments[i + 1], StringComparison.Ordinal);
        }

        await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Empty(Directory.GetFileSystemEntries(lab["run"]));
        await CrashPoints.AssertNothingOrphanedAsync(lab, backend);
    }

    [Fact(Timeout = 60_000)]
    public async Task Auto_takes_KVM_only_where_it_works_and_says_why_not()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync(options => options.Accelerator = QemuAccelerator.Auto);
        var answer = await backend.QueryAsync(Capability.HardwareAcceleration, default, Token);
        bool isThere = Directory.Exists("/sys/module/kvm_intel") || Directory.Exists("/sys/module/kvm_amd");
        if (!isThere)
        {
            Assert.Equal(CapabilitySupport.No, answer.Support);
            Assert.Contains("kvm", answer.Reason, StringComparison.OrdinalIgnoreCase);
            var error = await Assert.ThrowsAsync<HypervisorException>(() => lab.ConnectAsync(options => options.Accelerator = QemuAccelerator.Kvm));
            Assert.Equal(ErrorCode.Unsupported, error.Code);
        }

        Assert.Equal(answer.Support == CapabilitySupport.Yes, backend.Services.Host.UsesKvm);
        Assert.Equal(CapabilitySupport.No, (await backend.QueryAsync(Capability.Parse("time-travel"), default, Token)).Support);
        Assert.True((await backend.CheckHealthAsync(Token)).IsHealthy);
    }

    [Fact(Timeout = 60_000)]
    public async Task Options_that_cannot_work_are_refused_when_connecting()
    {
        await using var lab = await QemuLab.CreateAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => lab.ConnectAsync(options => options.StateDirectory = "relative"));
        await Assert.ThrowsAsync<ArgumentException>(() => lab.ConnectAsync(options => options.Name = "Bad Name"));
        var tooLong = await Assert.ThrowsAsync<HypervisorException>(() => lab.ConnectAsync(options => options.RuntimeDirectory = lab[new string('r', 100)]));
        Assert.Contains("107", tooLong.Message, StringComparison.Ordinal);
        if (RunUser.IsRoot)
        {
            Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => lab.ConnectAsync(options => options.RunAsUser = "root"))).Code);
            Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => lab.ConnectAsync(options => options.RunAsUser = "no-such-user"))).Code);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Machines_outlive_the_backend_and_are_adopted_by_the_next()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var created = await first.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        var started = await first.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        var record = first.Services.State.ReadProcess(created.Id.ToString());
        await first.DisposeAsync();

        var second = await lab.ConnectAsync(null, null, first.Services.Host);
        var adopted = await second.Get<IHypervisor>().GetAsync(created.Id, Token);
        Assert.Equal(PowerState.Running, adopted.State);
        Assert.Equal(started.StartedAt, adopted.StartedAt);
        Assert.Equal(started.Incarnation, adopted.Incarnation);
        Assert.Equal(record, second.Services.State.ReadProcess(created.Id.ToString()));
        await using var events = await second.Get<IHypervisor>().WatchAsync(null, Token);
        await second.Get<IPausing>().PauseAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await FaultTests.NextStateAsync(events, PowerState.Paused);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_tap_joins_a_bridge_and_goes_with_the_machine()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var answer = await backend.QueryAsync(QemuCapabilities.BridgedNetworks, default, Token);
        if (answer.Support != CapabilitySupport.Yes)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web", spec => spec.Networks.Add(new NetworkSpec { Network = "bridge:br0" })), null, Token));
            Assert.Equal(ErrorCode.Unsupported, refused.Code);
            return;
        }

        string bridge = "hvt" + Guid.NewGuid().ToString("N")[..8];
        await RunAsync("ip", "link", "add", bridge, "type", "bridge");
        try
        {
            var hypervisor = backend.Get<IHypervisor>();
            var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web", spec => spec.Networks.Add(new NetworkSpec { Network = "bridge:" + bridge })), null, Token).WaitForCompletionAsync(Token);
            await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
            string port = Assert.Single(Directory.GetDirectories($"/sys/class/net/{bridge}/brif"));
            Assert.Equal("hv", Path.GetFileName(port)[..2]);
            await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
            Assert.Empty(Directory.GetDirectories($"/sys/class/net/{bridge}/brif"));
            var missing = await hypervisor.CreateAsync(QemuLab.EmptySpec("db", spec => spec.Networks.Add(new NetworkSpec { Network = "bridge:nowhere0" })), null, Token).WaitForCompletionAsync(Token);
            Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(missing.Id, null, Token).WaitForCompletionAsync(Token))).Code);
        }
        finally
        {
            await RunAsync("ip", "link", "delete", bridge);
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(RealPeer.Program(program), arguments);
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.Equal(0, process.ExitCode);
    }
}
