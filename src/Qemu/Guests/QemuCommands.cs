using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.GuestAgent;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Guests;

/// <summary>Commands by the guest agent's guest-exec. The agent keeps what a command prints until it has ended, at most 16 MiB of each output.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuCommands(QemuServices services, AgentChannel channel) : ICommands
{
    private const int MaxInputBytes = 8 << 20;

    /// <summary>A command that is done by then is asked about over the connection that it was sent by; others use the channel between the looks at a longer one.</summary>
    private static readonly TimeSpan s_together = TimeSpan.FromMilliseconds(300);

    public async Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var arguments = ToArguments(spec, input);
        var (started, ended) = await channel.TalkAsync(id, async agent =>
        {
            var begun = await StartAsync(agent, arguments, cancellationToken).ConfigureAwait(false);
            return (begun, await EndOfAsync(agent, begun, s_together, cancellationToken).ConfigureAwait(false));
        }, cancellationToken).ConfigureAwait(false);
        while (ended is null)
        {
            await Task.Delay(GuestAgentExec.LongestPause, services.Time, cancellationToken).ConfigureAwait(false);
            try
            {
                ended = await channel.TalkAsync(id, agent => EndOfAsync(agent, started, TimeSpan.Zero, cancellationToken), cancellationToken).ConfigureAwait(false);
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Locked)
            {
                // Another process talks to the agent: the command runs on meanwhile.
            }
        }

        return ToResult(ended, spec.MaxOutputBytes);
    }

    /// <summary>Starts the command. Why a program does not start the agent says in words only, which are not to be parsed: whether it is there is asked of the guest instead.</summary>
    private async Task<GuestExec> StartAsync(GuestAgentClient agent, GuestExecArguments arguments, CancellationToken cancellationToken)
    {
        try
        {
            return await agent.ExecAsync(arguments, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Unspecified && error.Outcome == RequestOutcome.Rejected)
        {
            if (!await IsMissingAsync(agent, arguments.Path, cancellationToken).ConfigureAwait(false))
                throw;
            throw GuestAgentExec.NoProgram(arguments.Path, error, services.Name);
        }
    }

    /// <summary>Whether test(1) or which(1) of the guest say that a program is not there; where they are missing too, as in a guest that is not like Unix, it is not known.</summary>
    private async Task<bool> IsMissingAsync(GuestAgentClient agent, string program, CancellationToken cancellationToken)
    {
        var command = GuestAgentExec.LookUp(program);
        GuestExec asked;
        try
        {
            asked = await agent.ExecAsync(new GuestExecArguments { Path = command[0], Arg = [.. command.Skip(1)], CaptureOutput = true }, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            return false;
        }

        var status = await EndOfAsync(agent, asked, Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
        return status!.Exitcode == 1;
    }

    /// <summary>How a command has ended; null when it runs on after a while.</summary>
    private Task<GuestExecStatus?> EndOfAsync(GuestAgentClient agent, GuestExec started, TimeSpan patience, CancellationToken cancellationToken) =>
        GuestAgentExec.EndOfAsync(async () => await agent.ExecStatusAsync(started.Pid, cancellationToken).ConfigureAwait(false) is { Exited: true } ended ? ended : null, patience, services.Time, cancellationToken);

    private GuestExecArguments ToArguments(CommandSpec spec, ReadOnlyMemory<byte> input)
    {
        GuestAgentExec.Refuse(spec, input.Length, MaxInputBytes, services.Name);
        return new GuestExecArguments
        {
            Path = spec.Command[0],
            Arg = [.. spec.Command.Skip(1)],
            Env = spec.Environment.Count == 0 ? null : [.. spec.Environment.Select(variable => $"{variable.Key}={variable.Value}")],
            InputData = input.IsEmpty ? null : Convert.ToBase64String(input.Span),
            CaptureOutput = true,
        };
    }

    private static CommandResult ToResult(GuestExecStatus status, int maxOutputBytes) =>
        GuestAgentExec.ResultOf(status.Exitcode, status.Signal, Decode(status.OutData), Decode(status.ErrData), status.OutTruncated == true || status.ErrTruncated == true, maxOutputBytes);

    /// <summary>Bytes in Base64 that the agent hands over.</summary>
    internal static byte[] Decode(string? base64)
    {
        if (base64 is null)
            return [];
        try
        {
            return Convert.FromBase64String(base64);
        }
        catch (FormatException error)
        {
            throw new BackendProtocolException($"The guest agent's output is not Base64: {error.Message}", ErrorCode.Protocol, RequestOutcome.FailedMidway, error);
        }
    }
}
