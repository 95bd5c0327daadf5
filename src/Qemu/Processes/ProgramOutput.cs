using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>Runs a short program and reads what it prints.</summary>
[SupportedOSPlatform("linux")]
internal static class ProgramOutput
{
    private const int MaxBytes = 1 << 20;

    public static async Task<string> ReadAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            var options = new ProcessOptions { Program = program, NonZeroExitFails = true };
            foreach (string argument in arguments)
                options.Arguments.Add(argument);
            var process = ProcessConnection.Start(options);
            await using (process.ConfigureAwait(false))
            {
                await process.Output.CompleteAsync().ConfigureAwait(false);
                ReadResult read;
                while (!(read = await process.Input.ReadAsync(cancellationToken).ConfigureAwait(false)).IsCompleted && read.Buffer.Length < MaxBytes)
                    process.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                string text = Encoding.UTF8.GetString(read.Buffer);
                process.Input.AdvanceTo(read.Buffer.End);
                return text;
            }
        }
        catch (ConnectException error)
        {
            throw new HypervisorException($"{error.Message} Install it, or set its path in the options.", ErrorCode.Unavailable, RequestOutcome.NotSent, error);
        }
        catch (ConnectionClosedException error)
        {
            throw new HypervisorException($"'{program}' failed: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Rejected, error) { BackendMessage = error.Message };
        }
    }
}
