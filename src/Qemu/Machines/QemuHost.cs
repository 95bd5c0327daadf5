using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.State;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>What this host's QEMU is and can do: found out once, when the backend connects.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial record QemuHost
{
    /// <summary>The oldest version whose options are used here (JSON for -device: 6.2; for -netdev: 7.0).</summary>
    private static readonly Version s_oldest = new(7, 2);

    private QemuHost()
    {
    }

    public required string Program { get; init; }

    public required Version Version { get; init; }

    /// <summary>Where it looks for firmware before its own places.</summary>
    public required IReadOnlyList<string> FirmwareDirectories { get; init; }

    /// <summary>The version as QEMU says it, its package included.</summary>
    public required string VersionText { get; init; }

    public required bool UsesKvm { get; init; }

    /// <summary>Why it is KVM or TCG, for a person.</summary>
    public required string AcceleratorReason { get; init; }

    /// <summary>Null when this process is not root.</summary>
    public required RunUser? RunAs { get; init; }

    /// <summary>setpriv(1); null when this process is not root.</summary>
    public required string? SetPriv { get; init; }

    /// <summary>Whether the build can shut itself off from system calls.</summary>
    public required bool HasSandbox { get; init; }

    /// <summary>The arguments that shut QEMU off from system calls which it does not need.</summary>
    public IReadOnlyList<string> Sandbox => HasSandbox ? ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"] : [];

    /// <summary>The group that may use KVM, when the user must be in it.</summary>
    public uint? KvmGroup { get; private init; }

    public static async Task<QemuHost> ProbeAsync(QemuOptions options, CancellationToken cancellationToken)
    {
        string program = FindProgram(options.QemuSystem);
        string output = await ProgramOutput.ReadAsync(program, ["--version"], cancellationToken).ConfigureAwait(false);
        var match = VersionPattern().Match(output);
        if (!match.Success)
            throw new HypervisorException($"'{program}' does not answer like QEMU.", ErrorCode.Unavailable, RequestOutcome.Rejected) { BackendMessage = output.Split('\n')[0] };
        var version = Version.Parse(match.Groups[1].Value);
        if (version < s_oldest)
            throw new HypervisorException($"'{program}' is QEMU {version}; {s_oldest} or later is needed.", ErrorCode.Unsupported, RequestOutcome.Rejected) { BackendMessage = output.Split('\n')[0] };
        var runAs = RunUser.Find(options.RunAsUser);
        string help = await ProgramOutput.ReadAsync(program, ["-help"], cancellationToken).ConfigureAwait(false);
        var (usesKvm, reason, group) = ChooseAccelerator(options.Accelerator, runAs);
        return new QemuHost
        {
            Program = program,
            Version = version,
            FirmwareDirectories = [.. options.FirmwareDirectories],
            VersionText = output.Split('\n')[0]["QEMU emulator version ".Length..].Trim(),
            UsesKvm = usesKvm,
            AcceleratorReason = reason,
            KvmGroup = group,
            RunAs = runAs,
            SetPriv = runAs is null ? null : FindProgram("setpriv"),
            HasSandbox = help.Contains("\n-sandbox", StringComparison.Ordinal),
        };
    }

    /// <summary>The program and the arguments that start QEMU with the rights that it should have.</summary>
    public (string Program, IReadOnlyList<string> Arguments) Command(MachineConfig config, IReadOnlyList<string> arguments)
    {
        var (program, all) = AsUser(ProgramOf(config), arguments, withKvm: true);
        // All of the guest's memory is pinned for a device of the host (VFIO), which a limit for others than root is in the way of.
        return config.HostDevices.Count == 0 || RunAs is null ? (program, all) : (FindProgram("prlimit"), ["--memlock=unlimited:unlimited", program, .. all]);
    }

    /// <summary>The same for another program that a machine needs.</summary>
    public (string Program, IReadOnlyList<string> Arguments) AsUser(string program, IReadOnlyList<string> arguments, bool withKvm)
    {
        if (RunAs is null)
            return (program, arguments);
        string user = RunAs.User.ToString(CultureInfo.InvariantCulture);
        string group = RunAs.Group.ToString(CultureInfo.InvariantCulture);
        string groups = withKvm && KvmGroup is { } kvm ? string.Create(CultureInfo.InvariantCulture, $"--groups={kvm}") : "--clear-groups";
        return (SetPriv!, ["--reuid=" + user, "--regid=" + group, groups, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--", program, .. arguments]);
    }

    /// <summary>The QEMU of a machine's architecture.</summary>
    /// <exception cref="HypervisorException">It is not installed any more.</exception>
    public string ProgramOf(MachineConfig config) => config.Platform is not { } platform ? Program
        : ProgramPath.TryFind(platform.Program) ?? throw new HypervisorException(QemuArchitectures.MissingProgram(platform), ErrorCode.Unavailable, RequestOutcome.NotSent);

    /// <summary>Whether the processor itself runs a machine's code.</summary>
    public bool Accelerates(MachineConfig config) => UsesKvm && config.EffectivePlatform.Architecture == QemuArchitectures.Host;

    private static string FindProgram(string name) => ProgramPath.TryFind(name)
        ?? throw new HypervisorException($"There is no program '{name}'. Install it (Debian: qemu-system-x86, qemu-utils, util-linux), or set its path in {nameof(QemuOptions)}.", ErrorCode.Unavailable, RequestOutcome.NotSent);

    private static (bool UsesKvm, string Reason, uint? Group) ChooseAccelerator(QemuAccelerator wanted, RunUser? runAs)
    {
        if (wanted == QemuAccelerator.Tcg)
            return (false, "The options ask for TCG.", null);
        string? problem = KvmProblem(runAs, out uint? group);
        if (problem is null)
            return (true, "KVM works on this host.", group);
        return wanted == QemuAccelerator.Auto
            ? (false, $"TCG runs the guests' code: {problem}", null)
            : throw new HypervisorException($"KVM does not work here: {problem}", ErrorCode.Unsupported, RequestOutcome.NotSent);
    }

    /// <summary>Why KVM cannot be used; null when it can. A device that opens proves nothing: some hosts show one that no processor stands behind.</summary>
    private static string? KvmProblem(RunUser? runAs, out uint? group)
    {
        const nuint GetApiVersion = 0xAE00;
        const nuint CreateMachine = 0xAE01;
        const nuint CreateProcessor = 0xAE41;
        const int ReadWriteCloseOnExec = 2 | 0x80000;
        group = null;
        if (!File.Exists("/dev/kvm"))
            return "/dev/kvm is not there.";
        bool isX86 = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64;
        if (isX86 && !Directory.Exists("/sys/module/kvm_intel") && !Directory.Exists("/sys/module/kvm_amd"))
            return "/dev/kvm is there, but neither kvm_intel nor kvm_amd is loaded.";
        int descriptor = Native.Open("/dev/kvm", ReadWriteCloseOnExec, 0);
        if (descriptor < 0)
            return $"/dev/kvm cannot be opened: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.";
        using var kvm = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Native.Control(descriptor, GetApiVersion, 0) != 12)
            return "/dev/kvm does not speak version 12 of its interface.";
        int machine = Native.Control(descriptor, CreateMachine, 0);
        if (machine < 0)
            return $"/dev/kvm makes no machine: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.";
        using var machineHandle = new SafeFileHandle(machine, ownsHandle: true);
        int processor = Native.Control(machine, CreateProcessor, 0);
        if (processor < 0)
            return $"/dev/kvm makes no processor: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.";
        new SafeFileHandle(processor, ownsHandle: true).Dispose();
        if (runAs is null)
            return null;
        var mode = File.GetUnixFileMode("/dev/kvm");
        if (mode.HasFlag(UnixFileMode.OtherRead | UnixFileMode.OtherWrite))
            return null;
        group = GroupOf("kvm");
        return mode.HasFlag(UnixFileMode.GroupRead | UnixFileMode.GroupWrite) && group is not null ? null : $"the user '{runAs.Name}' may not open /dev/kvm.";
    }

    private static uint? GroupOf(string name) =>
        File.ReadLines("/etc/group").Select(line => line.Split(':')).Where(fields => fields.Length >= 3 && fields[0] == name).Select(fields => (uint?)uint.Parse(fields[2], CultureInfo.InvariantCulture)).FirstOrDefault();

    [GeneratedRegex(@"^QEMU emulator version (\d+\.\d+(\.\d+)?)")]
    private static partial Regex VersionPattern();
}
