namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// What drivers need that run commands by the QEMU guest agent's <c>guest-exec</c>, whatever carries its messages: what is refused before anything is sent, how the end of a command is waited for, what its
/// words mean. The agent keeps what a command prints until it has ended. Source: the guest agent's protocol reference, <c>guest-exec</c> and <c>guest-exec-status</c>.
/// </summary>
public static class GuestAgentExec
{
    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest time between two looks at a command that runs: half a second. The agent tells no event.</summary>
    public static TimeSpan LongestPause { get; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Refuses what the agent cannot do, and what is no command.</summary>
    /// <param name="spec">The command.</param>
    /// <param name="inputBytes">How long its input is.</param>
    /// <param name="maxInputBytes">How much input fits a message.</param>
    /// <param name="backend">Who refuses.</param>
    /// <exception cref="HypervisorException">A field is not acceptable (<see cref="ErrorCode.InvalidArgument"/>); all of them are named.</exception>
    public static void Refuse(CommandSpec spec, int inputBytes, int maxInputBytes, BackendName backend)
    {
        var problems = CommandProblems.Of(spec, "the guest agent passes it on in the clear");
        if (spec.Terminal)
            problems["terminal"] = "The guest agent gives commands no terminal; use the serial console.";
        if (spec.User is not null)
            problems["user"] = "The guest agent runs commands as its own user.";
        if (spec.WorkingDirectory is not null)
            problems["workingDirectory"] = "The guest agent runs commands in its own directory.";
        if (inputBytes > maxInputBytes)
            problems["input"] = $"{inputBytes} bytes; a message to the guest agent takes {maxInputBytes} of them.";
        CommandProblems.Refuse(problems, backend);
    }

    /// <summary>
    /// The command that asks a guest like Unix whether a program is there: it ends with 1 where it is not. The agent says why a program did not start in words only, which are not to be parsed.
    /// </summary>
    public static IReadOnlyList<string> LookUp(string program)
    {
        ArgumentNullException.ThrowIfNull(program);
        return program.Contains('/') ? ["test", "-e", program] : ["which", "--", program];
    }

    /// <summary>The program is not in the guest.</summary>
    /// <param name="program">Which.</param>
    /// <param name="error">What the agent said.</param>
    /// <param name="backend">Who says so.</param>
    public static HypervisorException NoProgram(string program, HypervisorException error, BackendName backend)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new($"There is no program '{program}' in the guest.", ErrorCode.NotFound, RequestOutcome.Rejected, error)
        {
            Backend = backend, Resource = program, BackendCode = error.BackendCode, BackendMessage = error.BackendMessage,
        };
    }

    /// <summary>Looks until a command has ended, soon at first and then every <see cref="LongestPause"/>.</summary>
    /// <typeparam name="T">What the agent says of a command.</typeparam>
    /// <param name="look">Asks the agent; null while the command runs.</param>
    /// <param name="patience">How long at most; <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the waiting; the command runs on.</param>
    /// <returns>What it said at the end; null where it runs on.</returns>
    public static async Task<T?> EndOfAsync<T>(Func<Task<T?>> look, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(look);
        ArgumentNullException.ThrowIfNull(time);
        var pause = s_firstLook;
        long begin = time.GetTimestamp();
        while (true)
        {
            if (await look().ConfigureAwait(false) is { } ended)
                return ended;
            if (patience != Timeout.InfiniteTimeSpan && time.GetElapsedTime(begin) >= patience)
                return null;
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>The result of a command that has ended.</summary>
    /// <param name="exitCode">Its exit code, as the agent says.</param>
    /// <param name="signal">The signal that ended it, on Linux; null where none did.</param>
    /// <param name="output">What it printed.</param>
    /// <param name="error">What it printed on its error output.</param>
    /// <param name="isTruncated">Whether the agent kept less than was printed.</param>
    /// <param name="maxOutputBytes">How much of either the caller wants.</param>
    public static CommandResult ResultOf(long? exitCode, long? signal, ReadOnlyMemory<byte> output, ReadOnlyMemory<byte> error, bool isTruncated, int maxOutputBytes) => new()
    {
        ExitCode = signal is null ? (int?)exitCode : null,
        Signal = signal is { } number ? LinuxSignals.NameOf(number) : null,
        Output = output[..Math.Min(output.Length, maxOutputBytes)],
        Error = error[..Math.Min(error.Length, maxOutputBytes)],
        IsTruncated = isTruncated || output.Length > maxOutputBytes || error.Length > maxOutputBytes,
    };
}
