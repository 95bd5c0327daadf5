using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>A private state directory and the real QEMU, by TCG. When it is disposed, the machines that were left running in it are ended: by their records, never by name.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuLab : IAsyncDisposable
{
    /// <summary>For a machine three times slower than one on which a boot is a matter of seconds, and busy.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(180);

    private readonly TempDirectory _directory = new();
    private readonly List<QemuBackend> _backends = [];
    private QemuHost? _host;

    private QemuLab(GuestImage guest)
    {
        Guest = guest;
        Images = _directory["images"];
        Directory.CreateDirectory(Images);
        StateDirectory = _directory["state"];
    }

    public GuestImage Guest { get; }

    /// <summary>A directory of images that a test may fill.</summary>
    public string Images { get; }

    public string StateDirectory { get; init; }

    public string this[string relative] => _directory[relative];

    public static async Task<QemuLab> CreateAsync(bool withMedia = false)
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        var token = TestContext.Current.CancellationToken;
        return new QemuLab(withMedia ? await GuestImage.GetWithMediaAsync(token) : await GuestImage.GetAsync(token));
    }

    public QemuOptions Options(Action<QemuOptions>? configure = null)
    {
        var options = new QemuOptions { StateDirectory = StateDirectory, RuntimeDirectory = _directory["run"], Accelerator = QemuAccelerator.Tcg };
        options.ImageDirectories.Add(Guest.DirectoryPath);
        options.ImageDirectories.Add(Images);
        configure?.Invoke(options);
        return options;
    }

    public async Task<QemuBackend> ConnectAsync(Action<QemuOptions>? configure = null, IDurableSeam? seam = null, QemuHost? host = null)
    {
        var backend = await QemuBackend.ConnectAsync(Options(configure), seam, TestContext.Current.CancellationToken, host);
        _host = backend.Services.Host;
        _backends.Add(backend);
        return backend;
    }

    /// <summary>The quickest machine that boots to a shell on its serial port.</summary>
    public VirtualMachineSpec Spec(string name, Action<VirtualMachineSpec>? configure = null)
    {
        var spec = new VirtualMachineSpec
        {
            Name = InstanceName.Parse(name),
            Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)),
            Boot = new BootSource.Kernel(Guest.KernelPath, Guest.InitrdPath, GuestImage.CommandLine + " hostname=" + name),
        };
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        configure?.Invoke(spec);
        return spec;
    }

    /// <summary>A machine that takes no time: a blank disk, nothing to boot. Its QEMU runs a BIOS that finds nothing.</summary>
    public static VirtualMachineSpec EmptySpec(string name, Action<VirtualMachineSpec>? configure = null)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        configure?.Invoke(spec);
        return spec;
    }

    /// <summary>Reads or writes by a disk's device what a guest would: QEMU's monitor takes the words of <c>qemu-io</c>, and says nothing of a pattern that is there.</summary>
    public static async Task IoAsync(QemuBackend backend, InstanceId id, string command, string disk = "disk0")
    {
        var token = TestContext.Current.CancellationToken;
        var (machine, config) = backend.Table.Require(id);
        string said = await backend.Table.AskAsync(machine, config, async client => await client.HumanMonitorCommandAsync($"qemu-io -d /machine/peripheral/{disk}/virtio-backend \"{command}\"", cancellationToken: token), token);
        Assert.True(!said.Contains("rror", StringComparison.Ordinal) && !said.Contains("failed", StringComparison.Ordinal), said);
    }

    /// <summary>Waits until a machine's serial port has printed a text since it was started.</summary>
    public async Task WaitForConsoleAsync(InstanceId id, string text)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(s_patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!(await ReadConsoleAsync(id, patience.Token)).Contains(text, StringComparison.Ordinal))
            Assert.True(await timer.WaitForNextTickAsync(patience.Token));
    }

    /// <summary>Waits until a guest has booted and its agent answers: that is started after the last line of the boot was printed.</summary>
    public async Task WaitForGuestAsync(QemuBackend backend, InstanceId id)
    {
        await WaitForConsoleAsync(id, GuestImage.Prompt);
        await WaitForAgentAsync(backend, id);
    }

    /// <summary>What a machine's serial port has printed since it was started.</summary>
    public Task<string> ReadConsoleAsync(InstanceId id) => ReadConsoleAsync(id, TestContext.Current.CancellationToken);

    /// <summary>Types a line on a machine's serial port.</summary>
    public async Task TypeAsync(QemuBackend backend, InstanceId id, string line)
    {
        var connection = await Connection.ConnectUnixAsync(backend.Services.Runtime.SocketOf(id.ToString(), RuntimeDirectory.SerialSocket), cancellationToken: TestContext.Current.CancellationToken);
        await using (connection)
        {
            await connection.Output.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), TestContext.Current.CancellationToken);
            await WaitForConsoleAsync(id, line);
        }
    }

    /// <summary>Runs a script in a guest by its agent, and returns what it printed, without white space around it. One that fails fails the test.</summary>
    public static async Task<string> ShellAsync(QemuBackend backend, InstanceId id, string script)
    {
        // A guest that has just booted has its agent a moment later.
        await WaitForAgentAsync(backend, id);
        var result = await backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["/bin/sh", "-c", script] }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.IsSuccess, Encoding.UTF8.GetString(result.Error.Span));
        return Encoding.UTF8.GetString(result.Output.Span).Trim();
    }

    /// <summary>Ends a backend as the end of its process would: what it held open is closed, and nothing is written any more.</summary>
    public async Task AbandonAsync(QemuBackend backend)
    {
        _backends.Remove(backend);
        try
        {
            await backend.DisposeAsync();
        }
        catch (CrashException)
        {
            // What it still wanted to write.
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var backend in _backends)
            await backend.DisposeAsync();
        string vms = Path.Combine(StateDirectory, "vms");
        if (Directory.Exists(vms))
        {
            var options = Options();
            await using var last = await QemuBackend.ConnectAsync(options, null, CancellationToken.None, _host);
            var hypervisor = last.Get<IHypervisor>();
            // Clones before the templates that they lie upon.
            foreach (bool templates in (bool[])[false, true])
            {
                await foreach (var instance in hypervisor.List(new InstanceFilter { IsTemplate = templates }))
                    await DeleteAsync(hypervisor, instance.Id);
            }
        }

        _directory.Dispose();
    }

    private static async Task WaitForAgentAsync(QemuBackend backend, InstanceId id)
    {
        var answers = new ReadinessCondition.Custom("the agent answers", MigrationTests.AgentAnswersAsync);
        await backend.WaitUntilReadyAsync(id, new ReadinessOptions { Deadline = s_patience, PollInterval = TimeSpan.FromMilliseconds(100), Conditions = [answers] }, TestContext.Current.CancellationToken);
    }

    private static async Task DeleteAsync(IHypervisor hypervisor, InstanceId id)
    {
        try
        {
            await hypervisor.DeleteAsync(id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync();
        }
        catch (HypervisorException exception) when (exception.Code == ErrorCode.NotFound)
        {
            // A deletion that a crash had left was carried to its end between the list and here.
        }
    }

    private async Task<string> ReadConsoleAsync(InstanceId id, CancellationToken cancellationToken) =>
        Encoding.UTF8.GetString(await ReadSharedAsync(Path.Combine(StateDirectory, "vms", id.ToString(), "console.log"), cancellationToken));

    private static async Task<byte[]> ReadSharedAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            return [];
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] content = new byte[file.Length];
        int read = await file.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellationToken);
        return content[..read];
    }
}
