using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Starts and ends QEMU processes, under the machine's lock.</summary>
[SupportedOSPlatform("linux")]
internal static partial class MachineLauncher
{
    /// <summary>VNC's own authentication looks at no more (RFC 6143, 7.2.2).</summary>
    private const int PasswordLength = 8;

    private const string PasswordLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private const string InheritedPrefix = "/proc/self/fd/";

    private static readonly TimeSpan s_quitPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_strayPause = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Starts QEMU with the guest held (<c>-S</c>), asks it who it is, writes down its process, then lets the guest go: a crash before the note leaves a process that has not run a guest instruction, and recovery ends it.
    /// </summary>
    /// <param name="change">The change.</param>
    /// <param name="hold">Leaves the guest held.</param>
    /// <param name="cancellationToken">Gives up; nothing is left.</param>
    /// <exception cref="HypervisorException">QEMU cannot be started or ended at once: its own words are in the message.</exception>
    public static async Task StartAsync(MachineChange change, bool hold, CancellationToken cancellationToken)
    {
        var services = change.Services;
        var config = change.Config;
        change.Table.Settle(change.Machine);
        change.Progress.Say("starting QEMU");
        LiveProcess? process = null;
        try
        {
            (process, var files) = await SpawnAsync(change, config, cancellationToken).ConfigureAwait(false);
            var client = await ConnectAsync(change, config, process, files, cancellationToken).ConfigureAwait(false);
            var record = new ProcessRecord
            {
                Pid = process.Identity.Pid,
                StartTicks = process.Identity.StartTicks,
                BootId = process.Identity.BootId,
                StartedAt = services.Time.GetUtcNow(),
                Revision = config.Revision,
                Accelerator = services.Host.Accelerates(config) ? "kvm" : "tcg",
            };
            services.State.WriteProcess(change.Id, record);
            ProtectScreen(change, config);
            // One that comes from this same host is put into the groups of its machine when its other QEMU is no longer the machine's.
            if (config.Incoming is null)
                services.Limits.Apply(config, process.Identity.Pid);
            await change.Table.SuperviseAsync(change.Machine, config, record, process, cancellationToken).ConfigureAwait(false);
            await DiskThrottle.ApplyAllAsync(change, cancellationToken).ConfigureAwait(false);
            if (config is { Incoming: null, MemoryTargetBytes: not null })
                await MemoryBalloon.ApplyAsync(change, cancellationToken).ConfigureAwait(false);
            if (!hold)
                await client.ContAsync(cancellationToken).ConfigureAwait(false);
            // Its event is on the way; whoever looks next must not see the state from before.
            if (change.Machine.Supervision is { } watched)
                await watched.RefreshAsync(services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException or IOException or UnauthorizedAccessException)
        {
            await change.CloseMonitorAsync().ConfigureAwait(false);
            if (process is not null)
            {
                process.Kill();
                await process.Exited.ConfigureAwait(false);
                process.Dispose();
            }

            await TpmLauncher.EndAsync(services, config, CancellationToken.None).ConfigureAwait(false);
            change.Table.Settle(change.Machine);
            throw;
        }
    }

    /// <summary>Ends QEMU at once: by its own command, which writes out what the guest has flushed, and by the kernel when it does not obey.</summary>
    public static async Task KillAsync(MachineChange change, CancellationToken cancellationToken)
    {
        if (change.Services.State.ReadProcess(change.Id) is not { } record || Machine.Hold(record) is not { } process)
        {
            await change.SettleAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        using (process)
        {
            try
            {
                var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
                await client.WithTimeout(s_quitPatience).QuitAsync(cancellationToken).ConfigureAwait(false);
                await process.Exited.WaitAsync(s_quitPatience, change.Services.Time, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (error is HypervisorException or TimeoutException)
            {
                // It may be ending already, hang, or be another program altogether: then it was not started with the machine's UUID, and is not ours to kill.
                if (!process.Exited.IsCompleted && !ProcessIdentity.HasArgument(process.Identity.Pid, "-uuid", change.Config.Uuid.ToString("D")) && ProcessIdentity.Of(process.Identity.Pid) is not null)
                    throw new HypervisorException($"The process {process.Identity.Pid}, noted as the QEMU of '{change.Id}', is not that: it was left alone. Remove process.json of the machine when its QEMU has ended.", ErrorCode.Conflict, RequestOutcome.Rejected, error);
                process.Kill();
                await process.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        await TpmLauncher.EndAsync(change.Services, change.Config, cancellationToken).ConfigureAwait(false);
        await change.SettleAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Ends the processes that a crash has left without a note of them. One that was just being started has no arguments yet by which it could be found, but it has QEMU's log, which is locked for as long as a QEMU of the machine lives.
    /// </summary>
    public static async Task KillStraysAsync(QemuServices services, MachineConfig config, CancellationToken cancellationToken)
    {
        long begin = services.Time.GetTimestamp();
        while (true)
        {
            foreach (int pid in ProcessIdentity.WithArgument("-uuid", config.Uuid.ToString("D")).ToList())
            {
                // A machine that is being moved has a QEMU at each end, which may be one host.
                if (IsOfAnother(services, pid) || ProcessIdentity.Of(pid) is not { } identity || LiveProcess.TryHold(identity) is not { } stray)
                    continue;
                using (stray)
                {
                    stray.Kill();
                    await stray.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
                }
            }

            if (!IsLogHeld(services, config.Id))
                break;
            if (services.Time.GetElapsedTime(begin) > services.Options.StartTimeout)
                throw StillRuns(config);
            await Task.Delay(s_strayPause, services.Time, cancellationToken).ConfigureAwait(false);
        }

        await TpmLauncher.EndAsync(services, config, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether a process has a file of the state directory as its standard error.</summary>
    internal static bool WritesTo(QemuServices services, int pid, string path) => LogOf(pid) == $"{RealPath(services)}/{path}";

    /// <summary>Whether a QEMU writes its log into another state directory than this one.</summary>
    private static bool IsOfAnother(QemuServices services, int pid)
    {
        string? log = LogOf(pid);
        return log is not null && log.EndsWith("/qemu.log", StringComparison.Ordinal) && !log.StartsWith(RealPath(services) + "/", StringComparison.Ordinal);
    }

    /// <summary>The state directory as the kernel names it.</summary>
    private static string? RealPath(QemuServices services)
    {
        using var state = OpenDirectory(services.State.Path);
        return new FileInfo(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/self/fd/{state.DangerousGetHandle()}")).LinkTarget;
    }

    /// <summary>What a process has as its standard error; null when it is ending.</summary>
    private static string? LogOf(int pid)
    {
        try
        {
            return new FileInfo(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/{pid}/fd/2")).LinkTarget;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsLogHeld(QemuServices services, string id)
    {
        string path = StateDirectory.QemuLog(id);
        if (services.State.Root.Find(path) is null)
            return false;
        using var log = services.State.Root.OpenFile(path);
        if (!FileLock.TryHold(log, exclusive: false))
            return true;
        FileLock.Release(log);
        return false;
    }

    private static HypervisorException StillRuns(MachineConfig config) =>
        new($"A QEMU of '{config.Name}' that nobody noted still runs and cannot be found. End the process that has the machine's qemu.log open.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {config.Id}" };

    private static async Task<(LiveProcess Process, IReadOnlyList<MachineArguments.OpenedPath> Files)> SpawnAsync(MachineChange change, MachineConfig config, CancellationToken cancellationToken)
    {
        var services = change.Services;
        var owner = services.Host.RunAs;
        string vm = Path.Combine(services.State.Path, StateDirectory.Machine(change.Id));
        TakeHostDevices(services, config);
        var (arguments, files, taps) = MachineArguments.Build(config, services.Host);
        services.Runtime.Create(change.Id, owner);
        var descriptors = new Dictionary<int, SafeFileHandle>();
        try
        {
            using var log = EmptyLog(change, StateDirectory.QemuLog(change.Id));
            // QEMU inherits the lock with the file and keeps it to its end, found or not.
            if (!FileLock.TryHold(log, exclusive: true))
                throw StillRuns(config);
            descriptors[MachineArguments.ConsoleLogDescriptor] = EmptyLog(change, StateDirectory.ConsoleLog(change.Id));
            descriptors[MachineArguments.DisksDescriptor] = OpenDirectory(Path.Combine(vm, "disks"));
            descriptors[MachineArguments.RuntimeDescriptor] = OpenDirectory(services.Runtime.Of(change.Id));
            if (owner is not null)
                Own(change, owner, vm);
            descriptors[MachineArguments.ChangesDescriptor] = Listen(change, RuntimeDirectory.ChangesSocket);
            descriptors[MachineArguments.ReadsDescriptor] = Listen(change, RuntimeDirectory.ReadsSocket);
            descriptors[MachineArguments.SerialDescriptor] = Listen(change, RuntimeDirectory.SerialSocket);
            for (int port = 1; port < config.Machine.SerialPorts; port++)
                descriptors[MachineArguments.SerialDescriptor + port] = Listen(change, RuntimeDirectory.SerialSocketOf(port));
            if (config.Machine.ScreenPassword)
                services.Runtime.WriteSecret(change.Id, RuntimeDirectory.ScreenSecret, Encoding.ASCII.GetBytes(RandomNumberGenerator.GetString(PasswordLetters, PasswordLength)), owner);
            if (config.Tpm)
                descriptors[MachineArguments.TpmDescriptor] = await TpmLauncher.StartAsync(change, cancellationToken).ConfigureAwait(false);
            if (config.Machine.AgentChannel)
                descriptors[MachineArguments.AgentDescriptor] = Listen(change, RuntimeDirectory.AgentSocket);
            foreach (var file in files)
                descriptors[file.Descriptor] = file.Secret is { } secret ? await SecretFile.OpenAsync(services, secret, cancellationToken).ConfigureAwait(false) : OpenElsewhere(services.Options, file.Path, file.Writable);
            foreach (var tap in taps)
                descriptors[tap.Descriptor] = TapDevice.Open(tap.Network, change.Id, tap.Descriptor);
            cancellationToken.ThrowIfCancellationRequested();
            var (program, all) = services.Host.Command(config, arguments);
            int pid = 0;
            await change.Root.EffectAsync("start QEMU", () =>
            {
                pid = Spawner.Start(program, all, log, descriptors);
                return Task.CompletedTask;
            }).ConfigureAwait(false);
            return (LiveProcess.HoldChild(pid), files);
        }
        finally
        {
            foreach (var descriptor in descriptors.Values)
                descriptor.Dispose();
        }
    }

    /// <summary>Looks whether the devices of the host can still be had, and lets QEMU's user open their groups.</summary>
    private static void TakeHostDevices(QemuServices services, MachineConfig config)
    {
        foreach (var device in config.HostDevices)
        {
            if (services.PciDevices.WhyNot(device.Address) is { } problem)
                throw new HypervisorException($"'{config.Name}' cannot have the PCI device '{device.Address}' of this host now: {problem}.", ErrorCode.Unavailable, RequestOutcome.Rejected) { Resource = $"instance {config.Id}" };
            int group = services.PciDevices.List().First(known => known.Address == device.Address).IommuGroup!.Value;
            services.Host.RunAs?.Own(Path.Combine(QemuPciDevices.VfioDirectory, group.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }
    }

    private static async Task<QmpClient> ConnectAsync(MachineChange change, MachineConfig config, LiveProcess process, IReadOnlyList<MachineArguments.OpenedPath> files, CancellationToken cancellationToken)
    {
        // Its death closes the socket that it inherited: the connection ends, and what it printed says why.
        try
        {
            return await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            bool hasEnded = await Task.WhenAny(process.Exited, Task.Delay(TimeSpan.FromSeconds(1), change.Services.Time, cancellationToken)).ConfigureAwait(false) == process.Exited;
            string words = $"{change.Table.ReadLogTail(change.Id)}\n{change.Table.ReadTpmLogTail(change.Id)}".Trim();
            if (DiskKeys.WrongKey(config.Disks, words, error) is { } wrong)
                throw wrong;
            string clear = NameFiles(words, change, files);
            string how = hasEnded ? $"ended at once ({await process.Exited.ConfigureAwait(false)})" : "does not answer";
            throw new HypervisorException(
                $"QEMU for '{config.Name}' {how}{(clear.Length > 0 ? ": " + clear : ". " + error.Message)}", hasEnded ? ErrorCode.Unspecified : ErrorCode.Timeout, RequestOutcome.Rejected, error)
            {
                BackendMessage = words.Length > 0 ? words : null,
            };
        }
    }

    private static SafeFileHandle EmptyLog(MachineChange change, string path)
    {
        var root = change.Root;
        var file = root.Find(path) is null ? root.CreateFile(path) : root.OpenFile(path, FileAccess.ReadWrite);
        root.SetLength(file, 0, path);
        return file;
    }

    internal static SafeFileHandle OpenDirectory(string path)
    {
        const int CloseOnExec = 0x80000;
        int descriptor = Native.Open(path, CloseOnExec, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Native.Failure($"Opening '{path}'");
    }

    private static SafeFileHandle Listen(MachineChange change, string socket)
    {
        string effect = $"make socket {change.Id}/{socket}";
        change.Services.State.Seam?.Before(effect);
        var listening = ListeningSocket.Create(change.Services.Runtime.SocketOf(change.Id, socket));
        change.Services.State.Seam?.After(effect);
        return listening;
    }

    /// <summary>QEMU's words with the names of the files that it knows by the numbers of their descriptors.</summary>
    private static string NameFiles(string words, MachineChange change, IReadOnlyList<MachineArguments.OpenedPath> files) => InheritedPattern().Replace(words, match =>
    {
        int descriptor = int.Parse(match.ValueSpan[InheritedPrefix.Length..], System.Globalization.CultureInfo.InvariantCulture);
        return descriptor == MachineArguments.DisksDescriptor
            ? Path.Combine(change.Services.State.Path, StateDirectory.Disks(change.Id))
            : files.FirstOrDefault(file => file.Descriptor == descriptor && file.Secret is null)?.Path ?? match.Value;
    });

    [GeneratedRegex(InheritedPrefix + "[0-9]{1,9}")]
    private static partial Regex InheritedPattern();

    /// <summary>Opens a file outside the machine's directory for QEMU.</summary>
    public static SafeFileHandle OpenElsewhere(QemuOptions options, string path, bool writable)
    {
        try
        {
            return ElsewhereFile.Open(options, path, writable);
        }
        catch (HypervisorException error)
        {
            throw new HypervisorException($"'{path}', which the machine needs, cannot be opened: {error.Message}", error.Code == ErrorCode.NotFound ? ErrorCode.NotFound : ErrorCode.Denied, RequestOutcome.Rejected, error);
        }
    }

    /// <summary>Gives QEMU's user what it must write: the disks and the console log, and nothing else of the machine's directory.</summary>
    private static void Own(MachineChange change, RunUser owner, string vm)
    {
        owner.Own(Path.Combine(vm, "disks"));
        owner.Own(Path.Combine(vm, "console.log"));
        if (change.Config.Nvram is not null)
            owner.Own(Path.Combine(vm, "disks", NvramMaker.File));
        if (change.Config.CloudInit is { Delivery: not CloudInitConfig.Smbios })
            owner.Own(Path.Combine(vm, "disks", SeedMaker.File));
        foreach (var disk in change.Config.Disks.Where(disk => disk.File is not null))
        {
            owner.Own(Path.Combine(vm, "disks", disk.File!));
            foreach (var below in disk.Backing.Where(below => below.File is not null))
                owner.Own(Path.Combine(vm, "disks", below.File!));
        }
    }

    /// <summary>The screen's socket is the only one that QEMU makes itself; its directory is private already. What QEMU's user may have put there instead is not followed.</summary>
    private static void ProtectScreen(MachineChange change, MachineConfig config)
    {
        const int PathOnlyNoFollowCloseOnExec = 0x200000 | 0x20000 | 0x80000;
        if (!config.Machine.Graphics)
            return;
        int descriptor = Native.Open(change.Services.Runtime.SocketOf(change.Id, RuntimeDirectory.ScreenSocketOf(config.Machine)), PathOnlyNoFollowCloseOnExec, 0);
        if (descriptor < 0)
            throw Native.Failure($"Opening the screen's socket of '{config.Name}'");
        using var socket = new SafeFileHandle(descriptor, ownsHandle: true);
        File.SetUnixFileMode(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
