using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Hypervisor.Sdk.Qemu;

namespace Hypervisor.Sdk.Conformance.Tool.Targets;

/// <summary>A state directory and the real QEMU. Instances are empty machines whose BIOS finds nothing to boot: they take no time, and heed no power button.</summary>
public sealed class QemuTarget : ConformanceTarget, IGuestFaults
{
    private const int StopSignal = 19;
    private const int ContinueSignal = 18;
    private readonly Func<QemuOptions> _options;
    private readonly string _directory;
    private readonly ConcurrentDictionary<BackendName, IBackend> _elsewhere = [];
    private int _attachments;

    private QemuTarget(Func<QemuOptions> options, string version)
    {
        _options = options;
        Name = "QEMU " + version;
        string state = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options().StateDirectory));
        _directory = Path.Combine(Path.GetDirectoryName(state) ?? state, Prefix + Path.GetFileName(state));
    }

    /// <inheritdoc />
    public override string Name { get; }

    /// <inheritdoc />
    public override double Patience => 2;

    /// <inheritdoc />
    public override IGuestFaults Guests => this;

    /// <inheritdoc />
    public Func<InstanceId, CancellationToken, Task>? FreezeAsync => (id, token) => SignalAsync(id, StopSignal, token);

    /// <summary>The kernel and the initial RAM disk of a guest that answers to an agent; null: none is booted.</summary>
    public (string Kernel, string Initrd, string CommandLine)? Guest { get; init; }

    /// <summary>Asks QEMU which version it is, and removes what a run has left beside the state directory that was killed.</summary>
    /// <param name="options">How to connect; made anew for each client.</param>
    /// <param name="guest">The guest that is booted by long checks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<QemuTarget> CreateAsync(Func<QemuOptions> options, (string Kernel, string Initrd, string CommandLine)? guest = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        await using var probe = await QemuBackend.ConnectAsync(options(), cancellationToken);
        string version = probe.Info.ParsedVersion is { } parsed ? string.Create(CultureInfo.InvariantCulture, $"{parsed.Major}.{parsed.Minor}") : probe.Info.ServerVersion;
        var target = new QemuTarget(options, version) { Guest = guest };
        await target.CleanAsync(cancellationToken);
        return target;
    }

    /// <inheritdoc />
    public override async Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken)
    {
        var options = _options();
        options.Name = name.ToString();
        options.FindBackend = (other, _) => _elsewhere.TryGetValue(other, out var backend)
            ? ValueTask.FromResult(backend)
            : throw new HypervisorException($"There is no backend '{other}'.", ErrorCode.NotFound, RequestOutcome.NotSent);
        return await QemuBackend.ConnectAsync(options, cancellationToken);
    }

    /// <inheritdoc />
    public override async Task<IBackend?> ConnectElsewhereAsync(BackendName name, CancellationToken cancellationToken)
    {
        return _elsewhere[name] = await QemuBackend.ConnectAsync(Elsewhere(name), cancellationToken);
    }

    /// <summary>Another state directory, beside the endpoint and under the prefix, so that the next run finds it when this one is killed.</summary>
    private QemuOptions Elsewhere(BackendName name)
    {
        var options = _options();
        options.Name = name.ToString();
        options.StateDirectory = Path.Combine(_directory, "there");
        options.RuntimeDirectory = Path.Combine(_directory, "run");
        return options;
    }

    /// <summary>Ends the machines elsewhere and removes what lies beside the endpoint.</summary>
    private async Task CleanAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(_directory))
            return;
        var options = Elsewhere(BackendName.Parse("elsewhere"));
        if (Directory.Exists(options.StateDirectory))
        {
            await using var left = await QemuBackend.ConnectAsync(options, cancellationToken);
            var machines = left.Get<IHypervisor>();
            foreach (var machine in await machines.List().ToListAsync(cancellationToken))
                await machines.DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }, null, cancellationToken).WaitForCompletionAsync(cancellationToken);
            // One that was still coming is nobody's yet, and its process waits.
            string coming = Path.Combine(options.StateDirectory, "vms");
            foreach (string name in Directory.Exists(coming) ? Directory.EnumerateDirectories(coming).Select(directory => Path.GetFileName(directory)) : [])
                await KillAsync(options.StateDirectory, name, cancellationToken);
        }

        Directory.Delete(_directory, recursive: true);
    }

    /// <inheritdoc />
    public override InstanceSpec NewInstance(InstanceName name)
    {
        var spec = new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        return spec;
    }

    /// <inheritdoc />
    public override InstanceSpec NewDeafGuest(InstanceName name) => NewInstance(name);

    /// <inheritdoc />
    public override InstanceSpec? NewInstanceFor(Capability capability, InstanceName name)
    {
        if (capability == Capability.NetworkMetrics || capability == Capability.GuestAgent)
            return null;
        var spec = (VirtualMachineSpec)NewInstance(name);
        if (capability == Capability.GraphicsConsole)
            spec.Extensions.Set(new QemuMachine());
        if (capability == Capability.HotplugCpu)
            spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) { MaxCpus = 2 };
        if (capability == Capability.LiveMigration)
        {
            // What both backends reach.
            spec.Disks.Clear();
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(MakeAttachment()) });
        }

        if (capability == Capability.HotplugMemory)
            spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) { MaxMemory = ByteSize.FromMiB(256) };
        return spec;
    }

    /// <inheritdoc />
    public override InstanceSpec? NewGuest(InstanceName name)
    {
        if (Guest is not { } guest)
            return null;
        var spec = new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)), Boot = new BootSource.Kernel(guest.Kernel, guest.Initrd, guest.CommandLine) };
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        return spec;
    }

    /// <inheritdoc />
    public override Task<VolumeAttachment?> MakeAttachmentAsync(CancellationToken cancellationToken) => Task.FromResult<VolumeAttachment?>(MakeAttachment());

    private VolumeAttachment.File MakeAttachment()
    {
        Directory.CreateDirectory(_directory);
        string path = Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"disk{Interlocked.Increment(ref _attachments)}.raw"));
        using (var file = File.Create(path))
            file.SetLength(1 << 20);
        // QEMU runs as another user when the kit is run by root.
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite);
        return new VolumeAttachment.File(path, "raw");
    }

    /// <inheritdoc />
    public override Task<bool> AttachmentExistsAsync(VolumeAttachment attachment, CancellationToken cancellationToken) => Task.FromResult(attachment is VolumeAttachment.File file && File.Exists(file.Path));

    /// <inheritdoc />
    public override async Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken)
    {
        if (await PidOfAsync(running, cancellationToken) is not { } pid)
            return null;
        // What KVM runs is a machine that QEMU has made there, and holds open.
        return Directory.EnumerateFiles($"/proc/{pid}/fd").Any(file => new FileInfo(file).LinkTarget is { } open && open.StartsWith("anon_inode:kvm-vm", StringComparison.Ordinal));
    }

    /// <inheritdoc />
    public override async Task<bool?> HasAsync(InstanceId made, Capability capability, CancellationToken cancellationToken)
    {
        // What QEMU is started with is written down there.
        string path = Path.Combine(_options().StateDirectory, "vms", made.ToString(), "config.json");
        if (!File.Exists(path))
            return null;
        using var config = JsonDocument.Parse(await File.ReadAllBytesAsync(path, cancellationToken));
        return capability == Capability.UefiFirmware ? Has("nvram") : capability == Capability.Tpm ? Has("tpm") : capability == Capability.CloudInit ? Has("cloudInit") : null;

        bool Has(string property) => config.RootElement.TryGetProperty(property, out var value) && value.ValueKind is JsonValueKind.Object or JsonValueKind.True;
    }

    /// <inheritdoc />
    public override string? WhyNot(ConformanceAbility ability) => ability switch
    {
        ConformanceAbility.LoseReplies => "There is no server between the driver and its effects, so no reply to lose; a process that ends in the middle is tested at every durable step by tests/Qemu.Tests.",
        ConformanceAbility.CutNodes => "The backend is one node.",
        ConformanceAbility.BootGuests => "No guest image was given.",
        ConformanceAbility.SeeAcceleration => "The process of the machine ended before it could be looked at.",
        _ => null,
    };

    /// <inheritdoc />
    public async Task CrashAsync(InstanceId id, CancellationToken cancellationToken)
    {
        if (!await KillAsync(_options().StateDirectory, id.ToString(), cancellationToken))
            throw new InvalidOperationException($"'{id}' has no process to kill.");
    }

    /// <inheritdoc />
    public Task ThawAsync(InstanceId id, CancellationToken cancellationToken) => SignalAsync(id, ContinueSignal, cancellationToken);

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        await CleanAsync(CancellationToken.None);
        await base.DisposeAsync();
    }

    private async Task SignalAsync(InstanceId id, int signal, CancellationToken cancellationToken)
    {
        if (await PidOfAsync(id, cancellationToken) is { } pid)
            _ = Kill(pid, signal);
    }

    private Task<int?> PidOfAsync(InstanceId id, CancellationToken cancellationToken) => PidOfAsync(_options().StateDirectory, id.ToString(), cancellationToken);

    private static async Task<bool> KillAsync(string stateDirectory, string machine, CancellationToken cancellationToken)
    {
        if (await PidOfAsync(stateDirectory, machine, cancellationToken) is not { } pid)
            return false;
        using var process = Process.GetProcessById(pid);
        process.Kill();
        return true;
    }

    private static async Task<int?> PidOfAsync(string stateDirectory, string machine, CancellationToken cancellationToken)
    {
        string path = Path.Combine(stateDirectory, "vms", machine, "process.json");
        if (!File.Exists(path))
            return null;
        using var record = JsonDocument.Parse(await File.ReadAllBytesAsync(path, cancellationToken));
        int pid = record.RootElement.GetProperty("pid").GetInt32();
        // A record of a process that is gone may name a number that is another process's by now: the time of its start tells.
        string status = $"/proc/{pid}/stat";
        if (!File.Exists(status))
            return null;
        string text = await File.ReadAllTextAsync(status, cancellationToken);
        string startTicks = text[(text.LastIndexOf(')') + 2)..].Split(' ')[19];
        return startTicks == record.RootElement.GetProperty("startTicks").GetInt64().ToString(CultureInfo.InvariantCulture) ? pid : null;
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Kill(int pid, int signal);
}
