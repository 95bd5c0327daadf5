using System.Globalization;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The one program of an application container: the container runs as long as it does.</summary>
internal sealed class ContainerProgram : GuestPart
{
    private static readonly TimeSpan s_restartPause = TimeSpan.FromSeconds(1);

    public override void OnUp() => _ = RunAsync(Guest.Instance.Config.Container!);

    private async Task RunAsync(ContainerConfig container)
    {
        var system = Guest.Get<GuestSystem>();
        var console = Guest.Get<GuestConsole>();
        var power = system.Power;
        var shell = new GuestShell(system);
        foreach (var (name, value) in container.Environment)
            shell.Export(name, value);
        int code;
        try
        {
            code = await shell.RunProgramAsync(container.Command, new GuestStreams(GuestStreams.NoInput, console.Print, console.Print), power).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (GuestKilledException)
        {
            code = 137;
        }

        Guest.World.Note("guest", Guest.Instance.Text, string.Create(CultureInfo.InvariantCulture, $"exited {code}"));
        if (container.RestartPolicy == "always" || (container.RestartPolicy == "on-failure" && code != 0))
        {
            // Not at once: a program that cannot run would keep everybody busy.
            Guest.World.Loop.Schedule(s_restartPause, state =>
            {
                if (!power.IsCancellationRequested)
                    _ = RunAsync((ContainerConfig)state!);
            }, container);
            return;
        }

        Guest.World.SwitchOff(Guest.Instance, string.Create(CultureInfo.InvariantCulture, $"Its program ended with {code}."));
    }
}
