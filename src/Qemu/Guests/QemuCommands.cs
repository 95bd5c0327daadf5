using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Qemu.GuestAgent;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Guests;

/// <summary>Commands by the guest agent's guest-exec. The agent keeps what a command prints until it has ended, at most 16 MiB of each output.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuCommands(QemuServices services, AgentChannel channel) : ICommands
{
    private const int MaxInputBytes = 8 << 20;

    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);

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
            await Task.Delay(s_longestPause, services.Time, cancellationToken).ConfigureAwait(false);
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
            throw new HypervisorException($"There is no program '{arguments.Path}' in the guest.", ErrorCode.NotFound, RequestOutcome.Rejected, error)
            {
                Backend = services.Name,
                Resource = arguments.Path,
                BackendCode = error.BackendCode,
                BackendMessage = error.BackendMessage,
            };
        }
    }

    /// <summary>Whether test(1) or which(1) of the guest say that a program is not there; where they are missing too, as in a guest that is not like Unix, it is not known.</summary>
    private async Task<bool> IsMissingAsync(GuestAgentClient agent, string program, CancellationToken cancellationToken)
    {
        var question = program.Contains('/')
            ? new GuestExecArguments { Path = "test", Arg = ["-e", program], CaptureOutput = true }
            : new GuestExecArguments { Path = "which", Arg = ["--", program], CaptureOutput = true };
        GuestExec asked;
        try
        {
            asked = await agent.ExecAsync(question, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            return false;
        }

        var status = await EndOfAsync(agent, asked, Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
        return status!.Exitcode == 1;
    }

    /// <summary>How a command has ended; null when it runs on after a while.</summary>
    private async Task<GuestExecStatus?> EndOfAsync(GuestAgentClient agent, GuestExec started, TimeSpan patience, CancellationToken cancellationToken)
    {
        var pause = s_firstLook;
        long begin = services.Time.GetTimestamp();
        while (true)
        {
            var status = await agent.ExecStatusAsync(started.Pid, cancellationToken).ConfigureAwait(false);
            if (status.Exited)
                return status;
            if (patience != Timeout.InfiniteTimeSpan && services.Time.GetElapsedTime(begin) >= patience)
                return null;
            await Task.Delay(pause, services.Time, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
    }

    private GuestExecArguments ToArguments(CommandSpec spec, ReadOnlyMemory<byte> input)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        if (spec.Command.Count == 0 || spec.Command[0].Length == 0)
            problems["command"] = "The program is missing.";
        if (spec.Command.Any(argument => argument.Contains('\0')))
            problems["command"] = "An argument contains a NUL character.";
        if (spec.Terminal)
            problems["terminal"] = "The guest agent gives commands no terminal; use the serial console.";
        if (spec.User is not null)
            problems["user"] = "The guest agent runs commands as its own user.";
        if (spec.WorkingDirectory is not null)
            problems["workingDirectory"] = "The guest agent runs commands in its own directory.";
        if (spec.MaxOutputBytes < 0)
            problems["maxOutputBytes"] = $"{spec.MaxOutputBytes} is negative.";
        if (input.Length > MaxInputBytes)
            problems["input"] = $"{input.Length} bytes; the agent's channel takes {MaxInputBytes}.";
        foreach (var (name, value) in spec.Environment)
        {
            if (name.Length == 0 || name.Contains('=') || name.Contains('\0'))
                problems["environment"] = $"'{name.Replace('\0', '?')}' is not the name of a variable.";
            else if (value.IsSecret)
                problems["environment"] = $"'{name}' is a reference to a secret: resolve it before the call; the guest agent passes it on in the clear.";
        }

        if (problems.Count > 0)
            throw new HypervisorException(string.Join(' ', problems.Select(problem => $"{problem.Key}: {problem.Value}")), ErrorCode.InvalidArgument, RequestOutcome.NotSent) { Backend = services.Name, FieldErrors = problems };

        return new GuestExecArguments
        {
            Path = spec.Command[0],
            Arg = [.. spec.Command.Skip(1)],
            Env = spec.Environment.Count == 0 ? null : [.. spec.Environment.Select(variable => $"{variable.Key}={variable.Value}")],
            InputData = input.IsEmpty ? null : Convert.ToBase64String(input.Span),
            CaptureOutput = true,
        };
    }

    private static CommandResult ToResult(GuestExecStatus status, int maxOutputBytes)
    {
        byte[] output = Decode(status.OutData);
        byte[] error = Decode(status.ErrData);
        bool truncated = status.OutTruncated == true || status.ErrTruncated == true || output.Length > maxOutputBytes || error.Length > maxOutputBytes;
        return new CommandResult
        {
            ExitCode = status.Signal is null ? (int?)status.Exitcode : null,
            Signal = status.Signal is { } number ? NameOf(number) : null,
            Output = output.AsMemory(0, Math.Min(output.Length, maxOutputBytes)),
            Error = error.AsMemory(0, Math.Min(error.Length, maxOutputBytes)),
            IsTruncated = truncated,
        };
    }

    private static byte[] Decode(string? base64)
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

    /// <summary>The signals of Linux on x86 by their numbers (signal(7)); one without a name of its own keeps its number.</summary>
    private static SignalName NameOf(long number) => number switch
    {
        1 => SignalName.Hangup,
        2 => SignalName.Interrupt,
        3 => SignalName.Quit,
        6 => SignalName.Parse("SIGABRT"),
        9 => SignalName.Kill,
        11 => SignalName.Parse("SIGSEGV"),
        13 => SignalName.Parse("SIGPIPE"),
        15 => SignalName.Terminate,
        _ => SignalName.Parse(string.Create(CultureInfo.InvariantCulture, $"SIG{number}")),
    };
}
