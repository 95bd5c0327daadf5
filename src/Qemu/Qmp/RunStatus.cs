using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>Whether the machine runs, and if not, why: see <see cref="QmpClient.GetRunStatusAsync"/>.</summary>
/// <param name="Status">The state in QEMU's words.</param>
/// <param name="IsRunning">Whether the virtual CPUs run.</param>
public readonly record struct RunStatus(RunState Status, bool IsRunning)
{
    internal static RunStatus Read(ref Utf8JsonReader r)
    {
        RunState? status = null;
        bool? running = null;
        for (r.Open(); r.NextMember();)
        {
            if (r.Is("status"u8))
                status = r.Word<RunState>();
            else if (r.Is("running"u8))
                running = r.Bool();
            else
                r.SkipMember();
        }

        if (status is null || running is null)
            throw new QapiFormatException("StatusInfo lacks status or running");
        return new RunStatus(status.Value, running.Value);
    }
}
