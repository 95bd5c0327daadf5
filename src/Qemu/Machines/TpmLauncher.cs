using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.State;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Starts the emulated TPM of a machine (swtpm(8)). It and QEMU hold the two ends of one pair of sockets, so that nobody finds it by a path; it ends when QEMU does, whoever else has died meanwhile. Only one whose QEMU never spoke to it
/// waits on (swtpm 0.7): it is found by its log, of which it holds a lock, and ended.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class TpmLauncher
{
    private const int ControlDescriptor = 10;
    private const int StateDescriptor = 11;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);

    /// <summary>How long one may take to end by itself when its QEMU has.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>Why machines have no TPM here; null when they can.</summary>
    public static string? WhyNot(QemuOptions options) => ProgramPath.TryFind(options.Swtpm) is null ? $"A TPM needs the program '{options.Swtpm}', which is not on this host; install it (Debian: swtpm)." : null;

    /// <summary>Starts it; its state is made when there is none.</summary>
    /// <returns>QEMU's end of the pair.</returns>
    /// <exception cref="HypervisorException">swtpm is not there, or one of an earlier start does not end.</exception>
    public static async Task<SafeFileHandle> StartAsync(MachineChange change, CancellationToken cancellationToken)
    {
        var services = change.Services;
        string program = ProgramPath.TryFind(services.Options.Swtpm) ?? throw new HypervisorException(WhyNot(services.Options)!, ErrorCode.Unavailable, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
        string directory = StateDirectory.Tpm(change.Id);
        change.Root.CreateDirectory(directory);
        string log = StateDirectory.TpmLog(change.Id);
        using var output = change.Root.Find(log) is null ? change.Root.CreateFile(log) : change.Root.OpenFile(log, FileAccess.ReadWrite);
        await HoldAsync(services, change.Config, output, cancellationToken).ConfigureAwait(false);
        change.Root.SetLength(output, 0, log);
        string path = Path.Combine(services.State.Path, directory);
        if (services.Host.RunAs is { } owner)
        {
            owner.Own(path);
            if (change.Root.Find($"{directory}/{TpmState.File}") is not null)
                owner.Own(Path.Combine(path, TpmState.File));
        }

        var (own, its) = SocketPair.Create();
        try
        {
            using (its)
            using (var state = MachineLauncher.OpenDirectory(path))
            {
                string[] arguments =
                [
                    "socket", "--tpm2", "--terminate", "--ctrl", $"type=unixio,clientfd={ControlDescriptor}", "--tpmstate", $"dir=/proc/self/fd/{StateDescriptor},mode=0600",
                ];
                var (started, all) = services.Host.AsUser(program, arguments, withKvm: false);
                await change.Root.EffectAsync("start swtpm", () =>
                {
                    // It is waited for as long as this process lives, so that it leaves no zombie.
                    LiveProcess.HoldChild(Spawner.Start(started, all, output, new Dictionary<int, SafeFileHandle> { [ControlDescriptor] = its, [StateDescriptor] = state })).Dispose();
                    return Task.CompletedTask;
                }).ConfigureAwait(false);
            }

            return own;
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>Ends one that has no QEMU any more. Does nothing when there is none.</summary>
    public static async Task EndAsync(QemuServices services, MachineConfig config, CancellationToken cancellationToken)
    {
        string log = StateDirectory.TpmLog(config.Id);
        if (!config.Tpm || services.State.Root.Find(log) is null)
            return;
        using var output = services.State.Root.OpenFile(log);
        await HoldAsync(services, config, output, cancellationToken).ConfigureAwait(false);
        FileLock.Release(output);
    }

    /// <summary>Waits for the lock of the log, which a TPM inherits and keeps to its end; ends one that does not end by itself.</summary>
    private static async Task HoldAsync(QemuServices services, MachineConfig config, SafeFileHandle log, CancellationToken cancellationToken)
    {
        long begin = services.Time.GetTimestamp();
        while (!FileLock.TryHold(log, exclusive: true))
        {
            var waited = services.Time.GetElapsedTime(begin);
            if (waited > services.Options.StartTimeout)
                throw new HypervisorException($"The TPM of an earlier start of '{config.Name}' still runs. End the process that has the machine's tpm.log open.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {config.Id}" };
            if (waited > s_patience)
                Kill(services, config);
            await Task.Delay(s_pause, services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static void Kill(QemuServices services, MachineConfig config)
    {
        foreach (int pid in ProcessIdentity.WithArgument("socket", "--tpm2").ToList())
        {
            if (ProcessIdentity.Of(pid) is not { } identity || !MachineLauncher.WritesTo(services, pid, StateDirectory.TpmLog(config.Id)) || LiveProcess.TryHold(identity) is not { } stray)
                continue;
            using (stray)
                stray.Kill();
        }
    }
}
