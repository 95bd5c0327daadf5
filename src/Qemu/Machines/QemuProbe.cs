using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>A QEMU without a machine that is asked what one of the guests' could do: with the same rights, sandbox and accelerator. It is up within a tenth of a second, and ends with the question.</summary>
[SupportedOSPlatform("linux")]
internal static class QemuProbe
{
    /// <summary>Asks it.</summary>
    /// <param name="services">Whose QEMU.</param>
    /// <param name="config">For which machine: its architecture says which program.</param>
    /// <param name="ask">The questions.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">It cannot be started, or does not answer.</exception>
    public static async Task<T> AskAsync<T>(QemuServices services, MachineConfig config, Func<QmpClient, Task<T>> ask, CancellationToken cancellationToken)
    {
        string[] arguments =
        [
            "-S", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "none", "-accel", services.Host.Accelerates(config) ? "kvm" : "tcg", "-incoming", "defer",
            .. services.Host.FirmwareDirectories.SelectMany(static directory => (string[])["-L", directory]), .. services.Host.Sandbox,
            "-chardev", "stdio,id=hv-probe,signal=off", "-mon", "chardev=hv-probe,mode=control",
        ];
        var (program, all) = services.Host.Command(config, arguments);
        var options = new ProcessOptions { Program = program, NonZeroExitFails = false, TimeProvider = services.Time };
        foreach (string argument in all)
            options.Arguments.Add(argument);
        try
        {
            var process = ProcessConnection.Start(options);
            await using (process.ConfigureAwait(false))
            {
                try
                {
                    var client = await QmpClient.ConnectAsync(process, new QmpClientOptions { HandshakeTimeout = services.Options.StartTimeout, CallTimeout = services.Options.StartTimeout, TimeProvider = services.Time }, cancellationToken).ConfigureAwait(false);
                    await using (client.ConfigureAwait(false))
                    {
                        var answer = await ask(client).ConfigureAwait(false);
                        await client.QuitAsync(cancellationToken).ConfigureAwait(false);
                        await client.Closed.WaitAsync(services.Options.StartTimeout, services.Time, cancellationToken).ConfigureAwait(false);
                        return answer;
                    }
                }
                catch (Exception error) when (error is BackendConnectionException or TimeoutException)
                {
                    throw new HypervisorException($"'{program}' does not say what it can do: {(process.ErrorText.Length > 0 ? process.ErrorText.Trim() : error.Message)}", ErrorCode.Unavailable, RequestOutcome.Rejected, error) { BackendMessage = process.ErrorText.Trim() };
                }
            }
        }
        catch (ConnectException error)
        {
            throw new HypervisorException(error.Message, ErrorCode.Unavailable, RequestOutcome.NotSent, error);
        }
    }
}
