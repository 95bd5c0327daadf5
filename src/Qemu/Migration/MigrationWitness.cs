using System.Runtime.Versioning;
using System.Text;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// Whether a guest that came has run here, by the word of its QEMU: one that waits for a guest writes each change of its run state into <c>qemu.log</c> (trace event <c>runstate_set</c>), and "running" before it lets the processors go
/// (QEMU's <c>vm_prepare_start</c>). So a QEMU that has ended and has not written it never ran one instruction of the guest.
/// </summary>
[SupportedOSPlatform("linux")]
internal static partial class MigrationWitness
{
    /// <summary>What a QEMU that waits is told to write.</summary>
    public const string TraceEvent = "runstate_set";

    /// <summary>Another event, of which one is written on purpose: a log that has it is one in which "running" would be.</summary>
    private const string Proof = "handle_qmp_command";

    /// <summary>One that waits has written a few lines.</summary>
    private const int MaxBytes = 1 << 20;

    /// <summary>Lets a QEMU that waits write something into its log, before anything is decided by what is not in it.</summary>
    public static async Task ProveAsync(QmpClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.TraceEventSetStateAsync(Proof, enable: true, cancellationToken: cancellationToken).ConfigureAwait(false);
            // Which is a command, and written.
            await client.TraceEventSetStateAsync(Proof, enable: false, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            // It was built without traces, and nothing will be proved.
        }
    }

    /// <summary>Whether the guest has run; null when nothing proves either, as with a QEMU that was built without traces in its log, or after a restart of the host, which may have lost the end of the log.</summary>
    /// <remarks>"No" is final only when the process has ended.</remarks>
    public static bool? HasRun(StateDirectory state, string id, ProcessRecord? record)
    {
        string path = StateDirectory.QemuLog(id);
        // Without a note of the process nobody has said "go on" to it.
        if (record is null)
            return false;
        if (record.BootId != ProcessIdentity.CurrentBootId || state.Root.Find(path) is not { Length: <= MaxBytes } || state.Root.Read(path, MaxBytes) is not { } log)
            return null;
        return HasRun(Encoding.UTF8.GetString(log));
    }

    /// <summary>The same of the text of a log.</summary>
    public static bool? HasRun(string log)
    {
        var states = StatePattern().Matches(log);
        return states.Count == 0 && !log.Contains(Proof, StringComparison.Ordinal) ? null : states.Any(static state => state.Groups[1].Value == "running");
    }

    [GeneratedRegex(@"runstate_set current_run_state \d+ \([^)]*\) new_state \d+ \(([^)]*)\)")]
    private static partial Regex StatePattern();
}
