using System.Globalization;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Hosts.Tests.Lab;
using Hypervisor.Sdk.Qemu;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Hosts.Tests;

/// <summary>Machines of another machine: a real QEMU there, which the program holds that was copied there, and a controller here that reaches it by ssh.</summary>
[Peer("openssh")]
[Peer("qemu")]
[Collection("programs of the second machine")]
public sealed class RemoteQemuTests(SecondMachine second)
{
    private const string Program = "hvsdk-qemu-host";
    private static int s_number;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string ProgramDirectory => Repository.PathOf("artifacts", "bin", "Hypervisor.Sdk.Qemu.Host", "debug");

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_machine_of_another_host_is_made_started_spoken_to_and_deleted()
    {
        var guest = await GuestImage.GetAsync(Token);
        await using var provider = new ServiceCollection().AddHypervisorSdk().AddQemu("rack1", options => Configure(options, guest.DirectoryPath)).Services.BuildServiceProvider();
        var backend = await provider.GetRequiredService<IBackendRegistry>().GetAsync(BackendName.Parse("rack1"), Token);
        Assert.Equal(("rack1", "qemu", "ssh", "127.0.0.1"), (backend.Name.ToString(), backend.Info.Kind, backend.Info.Endpoint.Scheme, backend.Info.Endpoint.Host));
        var machines = backend.Get<IHypervisor>();
        var spec = Empty("spoken-to");
        spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128));
        spec.Boot = new BootSource.Kernel(guest.KernelPath, guest.InitrdPath, GuestImage.CommandLine + " hostname=far");
        var made = await machines.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        // Its files are over there, and this machine has none of them.
        Assert.StartsWith("/srv/", backend.Info.Endpoint.AbsolutePath, StringComparison.Ordinal);
        Assert.False(Directory.Exists(backend.Info.Endpoint.AbsolutePath));
        await using var watch = await machines.WatchAsync(null, Token);
        await machines.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);

        // Its console both ways.
        await using (var console = await backend.Get<ISerialConsole>().OpenAsync(made.Id, new ConsoleOptions { ReplayTail = ByteSize.FromKiB(64) }, Token))
        {
            await ReadUntilAsync(console, GuestImage.ReadyText);
            await console.Output.WriteAsync("echo typed-$((20 + 3))\n"u8.ToArray(), Token);
            await ReadUntilAsync(console, "typed-23");
        }

        // A command, a screen's absence, a backup of its disk.
        var result = await backend.Get<ICommands>().RunAsync(made.Id, new CommandSpec { Command = ["/bin/cat"] }, "through two machines"u8.ToArray(), Token);
        Assert.Equal("through two machines", Encoding.UTF8.GetString(result.Output.Span));
        await using (var backup = await backend.Get<IBackupSource>().BeginAsync(made.Id, null, Token))
        {
            byte[] disk = new byte[1 << 20];
            await backup.ReadAsync(Assert.Single(backup.Disks), 0, disk, Token);
            Assert.All(await backup.GetExtentsAsync(backup.Disks[0], Token).ToListAsync(Token), extent => Assert.True(extent.Length > 0));
        }

        await machines.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.FromSeconds(60) }, null, Token).WaitForCompletionAsync(Token);
        await machines.DeleteAsync(made.Id, null, null, Token).WaitForCompletionAsync(Token);
        var seen = new List<BackendEvent>();
        await foreach (var next in watch.WithCancellation(Token))
        {
            seen.Add(next);
            if (next is InstanceDeleted)
                break;
        }

        Assert.Equal([PowerState.Running, PowerState.Stopped], seen.OfType<InstanceStateChanged>().Select(changed => changed.To).Where(state => state == PowerState.Running || state == PowerState.Stopped));
        Assert.Empty(await machines.List().ToListAsync(Token));
    }

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_machine_runs_on_when_the_way_to_it_dies_and_is_found_over_the_next()
    {
        var options = Options();
        await using var backend = await QemuBackend.OpenAsync(options, Token);
        var machines = backend.Get<IHypervisor>();
        var made = await machines.CreateAsync(Empty("runs-on"), null, Token).WaitForCompletionAsync(Token);
        var started = await machines.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
        var states = System.Threading.Channels.Channel.CreateBounded<BackendConnectionState>(64);
        backend.ConnectionChanged += (_, changed) => states.Writer.TryWrite(changed.To);

        KillSsh(options);
        while (await states.Reader.ReadAsync(Token) != BackendConnectionState.Disconnected)
        {
            // It says so by itself.
        }

        // The same backend over its next connection, and another controller.
        var found = await AgainAsync(() => machines.FindAsync(made.Id, Token));
        Assert.Equal((PowerState.Running, started.StartedAt), (found!.State, found.StartedAt));
        await using (var other = await QemuBackend.OpenAsync(options, Token))
            Assert.Equal(PowerState.Running, (await other.Get<IHypervisor>().GetAsync(made.Id, Token)).State);
        await machines.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_create_during_which_the_way_dies_is_looked_up_and_repeated_once()
    {
        var options = Options();
        await using var backend = await QemuBackend.OpenAsync(options, Token);
        var machines = backend.Get<IHypervisor>();
        for (int attempt = 0; attempt < 4; attempt++)
        {
            var request = new RequestOptions { RequestId = RequestId.New() };
            var spec = Empty($"cut-{attempt}");
            var create = Task.Run(() => machines.CreateAsync(spec, request, Token).WaitForCompletionAsync(Token), Token);
            for (int i = 0; i < attempt * attempt * 50; i++)
                await Task.Yield();
            KillSsh(options);
            HypervisorException? error = null;
            try
            {
                await create;
            }
            catch (HypervisorException failure)
            {
                error = failure;
            }

            // What the journal over there says is what became of it, and under the same id there is one.
            var log = backend.Get<IRequestLog>();
            var found = await AgainAsync(() => log.LookUpAsync(request.RequestId!.Value, Token));
            while (found.State == RequestState.Running)
                found = await AgainAsync(() => log.LookUpAsync(request.RequestId!.Value, Token));
            if (error is null)
                Assert.Equal(RequestState.Succeeded, found.State);
            else if (error.Outcome == RequestOutcome.NotSent)
                Assert.Equal(RequestState.NeverSeen, found.State);
            else
                Assert.Equal(RequestOutcome.Unknown, error.Outcome);
            var made = await AgainAsync(() => machines.CreateAsync(spec, request, Token).WaitForCompletionAsync(Token));
            Assert.Equal(made.Id, Assert.Single(await machines.List(new InstanceFilter { Name = spec.Name.ToString() }).ToListAsync(Token)).Id);
        }
    }

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task The_program_is_copied_once_and_anew_when_it_was_changed()
    {
        await using var session = await second.ConnectAsync(Token);
        await using (await QemuBackend.OpenAsync(Options(), Token))
        {
        }

        await using var home = await session.OpenDirectoryAsync("/root", Token);
        var directory = await home.FindAsync($".cache/{Program}", Token);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, directory!.Mode);
        string copy = $".cache/{Program}/{Assert.Single(await home.ListAsync($".cache/{Program}", Token).ToListAsync(Token)).Name}";
        var first = await home.FindAsync($"{copy}/{Program}.dll", Token);
        await using (var backend = await QemuBackend.OpenAsync(Options(), Token))
            Assert.Equal(first!.ModifiedAt, (await home.FindAsync($"{copy}/{Program}.dll", Token))!.ModifiedAt);
        // Somebody has changed a file of it: it is not run as it is.
        await home.WriteAsync($"{copy}/{Program}.dll", new MemoryStream("evil"u8.ToArray()), UnixFileMode.UserRead, Token);
        await using (var backend = await QemuBackend.OpenAsync(Options(), Token))
            Assert.Empty(await backend.Get<IHypervisor>().List().ToListAsync(Token));
        Assert.Equal(first!.LengthBytes, (await home.FindAsync($"{copy}/{Program}.dll", Token))!.LengthBytes);
    }

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task What_a_host_or_the_program_lacks_is_said()
    {
        using var directory = new TempDirectory();
        var none = await RefusedAsync(options => options.HostProgram = directory.Path);
        Assert.Contains($"no program {Program} in '{directory.Path}'", none.Message, StringComparison.Ordinal);
        Assert.Contains("dotnet publish", none.Message, StringComparison.Ordinal);

        // An ELF program for aarch64 (machine 183), on a host that is none.
        byte[] elf = new byte[64];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(elf);
        elf[18] = 183;
        await File.WriteAllBytesAsync(directory[Program], elf, Token);
        var foreign = await RefusedAsync(options => options.HostProgram = directory.Path);
        Assert.Contains("is for aarch64", foreign.Message, StringComparison.Ordinal);

        // A dotnet that leads nowhere.
        await using var session = await second.ConnectAsync(Token);
        var runtimes = new HashSet<string>(StringComparer.Ordinal);
        foreach (string dotnet in (await TextOfAsync(session, "which", "-a", "dotnet")).Split('\n'))
            runtimes.Add(Path.GetDirectoryName(await TextOfAsync(session, "readlink", "-f", dotnet))!);
        foreach (string runtime in runtimes)
            await TextOfAsync(session, "mount", "-t", "tmpfs", "tmpfs", runtime);
        var missing = await RefusedAsync(_ => { });
        Assert.Contains("no dotnet", missing.Message, StringComparison.Ordinal);
        Assert.Contains("--self-contained", missing.Message, StringComparison.Ordinal);
        foreach (string runtime in runtimes)
            await TextOfAsync(session, "umount", runtime);

        // What QEMU's driver itself lacks there is said as it says it here.
        var qemu = await Assert.ThrowsAsync<HypervisorException>(() => QemuBackend.OpenAsync(Options(options => options.QemuSystem = "no-such-qemu"), Token));
        Assert.Contains("no-such-qemu", qemu.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_that_cannot_come_along_are_refused_with_their_names()
    {
        Assert.Equal("Host", (await Assert.ThrowsAsync<ArgumentException>(() => QemuBackend.OpenAsync(new QemuOptions { StateDirectory = "/srv/x", Host = "rack1" }, Token))).ParamName);
        var secret = await Assert.ThrowsAsync<ArgumentException>(() => QemuBackend.OpenAsync(new QemuOptions { StateDirectory = "/srv/x", Host = "ssh://root:hunter2@rack1" }, Token));
        Assert.DoesNotContain("hunter2", secret.Message, StringComparison.Ordinal);
        Assert.Equal("HostProgram", (await Assert.ThrowsAsync<ArgumentException>(() => QemuBackend.OpenAsync(new QemuOptions { StateDirectory = "/srv/x", Host = "ssh://rack1", HostProgram = "here" }, Token))).ParamName);
        Assert.Contains("OpenAsync", (await Assert.ThrowsAsync<ArgumentException>(() => QemuBackend.ConnectAsync(new QemuOptions { StateDirectory = "/srv/x", Host = "ssh://rack1" }, Token))).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task The_driver_keeps_the_contract_from_another_host()
    {
        await using var target = new Target(this, second);
        await using var runner = new CheckRunner(target, new ConformanceOptions { Only = ["CONN", "DISP", "LIFE-0", "LIST-01", "REQ-01", "REQ-02", "REQ-05", "REQ-06", "CANC", "OPS", "EVT-01", "EVT-02", "EVT-09", "EVT-10", "ERR-01", "ERR-02", "ERR-04", "SNAP-01"], Sequences = 2 });
        var report = await runner.RunAsync(result => TestContext.Current.TestOutputHelper?.WriteLine($"{result.Id} {result.Outcome} {result.Took.TotalSeconds:0.00} s {result.Message}"), Token);
        Assert.True(report.IsConformant, string.Join('\n', report.Results.Where(result => result.Outcome == CheckOutcome.Failed).Select(result => $"{result.Id} {result.Message}")));
        Assert.True(report.Count(CheckOutcome.Passed) > 25, $"Only {report.Count(CheckOutcome.Passed)} checks were passed.");
    }

    private static async Task<string> TextOfAsync(SshHostSession session, string program, params string[] arguments)
    {
        var result = await session.RunAsync(new HostCommand(program, arguments), Token);
        Assert.True(result.IsSuccess, Encoding.UTF8.GetString(result.Error.Span));
        return Encoding.UTF8.GetString(result.Output.Span).Trim();
    }

    private static VirtualMachineSpec Empty(string name)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        return spec;
    }

    /// <summary>Makes a call, and once more where nothing of it was sent because the way that died was still being noticed.</summary>
    private static async Task<T> AgainAsync<T>(Func<Task<T>> call)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (HypervisorException error) when (error.IsTransient)
            {
                // The next connection is made at once.
            }
        }
    }

    private static async Task ReadUntilAsync(ConsoleSession console, string text)
    {
        var seen = new StringBuilder();
        while (!seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            var read = await console.Input.ReadAsync(Token);
            foreach (var bytes in read.Buffer)
                seen.Append(Encoding.UTF8.GetString(bytes.Span));
            console.Input.AdvanceTo(read.Buffer.End);
            Assert.False(read.IsCompleted, seen.ToString());
        }
    }

    /// <summary>Ends the ssh of a backend, found by the configuration that it alone reads: what the other machine sees is what it sees when the controller dies.</summary>
    private static void KillSsh(QemuOptions options)
    {
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(directory => int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            try
            {
                if (!File.ReadAllText(process + "/cmdline").Contains(options.Ssh.ConfigFile! + "\0", StringComparison.Ordinal))
                    continue;
                using var ssh = System.Diagnostics.Process.GetProcessById(int.Parse(Path.GetFileName(process), CultureInfo.InvariantCulture));
                ssh.Kill();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
            {
                // It has ended meanwhile.
            }
        }
    }

    private async Task<HypervisorException> RefusedAsync(Action<QemuOptions> configure)
    {
        var error = await Assert.ThrowsAsync<HypervisorException>(() => QemuBackend.OpenAsync(Options(configure), Token));
        Assert.Equal((ErrorCode.Unsupported, RequestOutcome.NotSent), (error.Code, error.Outcome));
        return error;
    }

    private QemuOptions Options(Action<QemuOptions>? configure = null)
    {
        var options = new QemuOptions();
        Configure(options, null);
        configure?.Invoke(options);
        return options;
    }

    private void Configure(QemuOptions options, string? images)
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        int number = Interlocked.Increment(ref s_number);
        options.Host = SecondMachine.Address.ToString();
        options.HostProgram = ProgramDirectory;
        // Beneath /srv, which this machine does not share.
        options.StateDirectory = $"/srv/m{number}/state";
        options.RuntimeDirectory = $"/srv/m{number}/run";
        options.Accelerator = QemuAccelerator.Tcg;
        options.LimitResources = false;
        options.Ssh = second.Options();
        options.Ssh.ConfigFile = second[second.Configure($"qemu{number}", second.KnownHost("host_key"))];
        if (images is not null)
            options.ImageDirectories.Add(images);
    }

    /// <summary>The other machine's QEMU as the kit checks it.</summary>
    private sealed class Target(RemoteQemuTests tests, SecondMachine second) : ConformanceTarget, IGuestFaults
    {
        private readonly QemuOptions _options = tests.Options();
        private Task<SshHostSession>? _session;

        public override string Name => "QEMU of another host";

        public override double Patience => 4;

        public override IGuestFaults Guests => this;

        public Func<InstanceId, CancellationToken, Task>? FreezeAsync => (id, token) => SignalAsync(id, "STOP", token);

        public override Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => QemuBackend.OpenAsync(tests.Options(options =>
        {
            options.Name = name.ToString();
            options.StateDirectory = _options.StateDirectory;
            options.RuntimeDirectory = _options.RuntimeDirectory;
        }), cancellationToken);

        public override InstanceSpec NewInstance(InstanceName name) => Empty(name.ToString());

        public override InstanceSpec NewDeafGuest(InstanceName name) => NewInstance(name);

        public override string? WhyNot(ConformanceAbility ability) => "The kit's quick part is run from here; what it needs for the rest is done on one machine.";

        public Task CrashAsync(InstanceId id, CancellationToken cancellationToken) => SignalAsync(id, "KILL", cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            if (_session is not null)
                await (await _session).DisposeAsync();
            await base.DisposeAsync();
        }

        public Task ThawAsync(InstanceId id, CancellationToken cancellationToken) => SignalAsync(id, "CONT", cancellationToken);

        private async Task SignalAsync(InstanceId id, string signal, CancellationToken cancellationToken)
        {
            var session = await (_session ??= second.ConnectAsync(CancellationToken.None));
            await using var directory = await session.OpenDirectoryAsync(_options.StateDirectory, cancellationToken);
            // One that does not run has nothing to signal.
            if (await directory.FindAsync($"vms/{id}/process.json", cancellationToken) is null)
                return;
            await using var stream = await directory.OpenReadAsync($"vms/{id}/process.json", cancellationToken);
            using var record = await JsonDocument.ParseAsync(stream, default, cancellationToken);
            await session.RunAsync(new HostCommand("kill", "-s", signal, record.RootElement.GetProperty("pid").GetInt32().ToString(CultureInfo.InvariantCulture)), cancellationToken);
        }
    }
}
