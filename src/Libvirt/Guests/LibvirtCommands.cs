using System.Globalization;
using System.Text.Json;
using Hypervisor.Sdk.Libvirt.Driver;

namespace Hypervisor.Sdk.Libvirt.Guests;

/// <summary>Commands by the guest agent's guest-exec. The agent keeps what a command prints until it has ended; of what it hands over then, one message of libvirt's holds 4 MiB.</summary>
internal sealed class LibvirtCommands(AgentChannel agents) : ICommands
{
    /// <summary>As Base64 it fits a string of the protocol.</summary>
    private const int MaxInputBytes = 2 << 20;

    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);

    public async Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Refuse(spec, input);
        var facts = await agents.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        long process = await StartAsync(facts, spec, input, cancellationToken).ConfigureAwait(false);
        return ResultOf(await EndOfAsync(facts, process, cancellationToken).ConfigureAwait(false), spec.MaxOutputBytes);
    }

    /// <summary>Runs a command without a word about its environment.</summary>
    public Task<CommandResult> RunAsync(InstanceId id, IReadOnlyList<string> command, CancellationToken cancellationToken) => RunAsync(id, new CommandSpec { Command = command }, default, cancellationToken);

    /// <summary>Starts the command. Why a program does not start the agent says in words only, which are not to be parsed: whether it is there is asked of the guest instead.</summary>
    private async Task<long> StartAsync(DomainFacts facts, CommandSpec spec, ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        try
        {
            return await ExecAsync(facts, spec.Command, spec.Environment, input, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (AgentChannel.IsNo(error))
        {
            string program = spec.Command[0];
            if (!await IsMissingAsync(facts, program, cancellationToken).ConfigureAwait(false))
                throw;
            throw new HypervisorException($"There is no program '{program}' in the guest.", ErrorCode.NotFound, RequestOutcome.Rejected, error)
            {
                Backend = agents.Name, Resource = program, BackendCode = error.BackendCode, BackendMessage = error.BackendMessage,
            };
        }
    }

    private async Task<long> ExecAsync(DomainFacts facts, IReadOnlyList<string> command, IReadOnlyDictionary<string, SecretOrText>? environment, ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        var started = await agents.AskAsync(facts, "guest-exec", json => Write(json, command, environment, input), cancellationToken).ConfigureAwait(false);
        return started.Number("pid") ?? throw new BackendProtocolException($"The agent of '{facts.View.Name}' started '{command[0]}' and does not say as which process.", ErrorCode.Protocol, RequestOutcome.Unknown) { Backend = agents.Name };
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<string> command, IReadOnlyDictionary<string, SecretOrText>? environment, ReadOnlyMemory<byte> input)
    {
        json.WriteString("path", command[0]);
        json.WriteStartArray("arg");
        foreach (string argument in command.Skip(1))
            json.WriteStringValue(argument);
        json.WriteEndArray();
        if (environment is { Count: > 0 })
        {
            json.WriteStartArray("env");
            foreach (var (name, value) in environment)
                json.WriteStringValue($"{name}={value}");
            json.WriteEndArray();
        }

        if (!input.IsEmpty)
            json.WriteString("input-data", Convert.ToBase64String(input.Span));
        json.WriteBoolean("capture-output", true);
    }

    /// <summary>Whether test(1) or which(1) of the guest say that a program is not there; where they are missing too, as in a guest that is not like Unix, it is not known.</summary>
    private async Task<bool> IsMissingAsync(DomainFacts facts, string program, CancellationToken cancellationToken)
    {
        try
        {
            long asked = await ExecAsync(facts, program.Contains('/') ? ["test", "-e", program] : ["which", "--", program], null, default, cancellationToken).ConfigureAwait(false);
            return (await EndOfAsync(facts, asked, cancellationToken).ConfigureAwait(false)).Number("exitcode") == 1;
        }
        catch (LibvirtException error) when (AgentChannel.IsNo(error))
        {
            return false;
        }
    }

    private async Task<JsonElement> EndOfAsync(DomainFacts facts, long process, CancellationToken cancellationToken)
    {
        var pause = s_firstLook;
        while (true)
        {
            var status = await agents.AskAsync(facts, "guest-exec-status", json => json.WriteNumber("pid", process), cancellationToken).ConfigureAwait(false);
            if (status.Flag("exited"))
                return status;
            await Task.Delay(pause, agents.Time, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
    }

    private void Refuse(CommandSpec spec, ReadOnlyMemory<byte> input)
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
            problems["input"] = $"{input.Length} bytes; a message of libvirt's takes {MaxInputBytes} of them.";
        foreach (var (name, value) in spec.Environment)
        {
            if (name.Length == 0 || name.Contains('=') || name.Contains('\0'))
                problems["environment"] = $"'{name.Replace('\0', '?')}' is not the name of a variable.";
            else if (value.IsSecret)
                problems["environment"] = $"'{name}' is a reference to a secret: resolve it before the call; the guest agent passes it on in the clear.";
        }

        if (problems.Count > 0)
            throw new HypervisorException(string.Join(' ', problems.Select(problem => $"{problem.Key}: {problem.Value}")), ErrorCode.InvalidArgument, RequestOutcome.NotSent) { Backend = agents.Name, FieldErrors = problems };
    }

    private static CommandResult ResultOf(JsonElement status, int maxOutputBytes)
    {
        var (output, error) = (status.Bytes("out-data"), status.Bytes("err-data"));
        long? signal = status.Number("signal");
        return new CommandResult
        {
            ExitCode = signal is null ? (int?)status.Number("exitcode") : null,
            Signal = signal is { } number ? NameOf(number) : null,
            Output = output.AsMemory(0, Math.Min(output.Length, maxOutputBytes)),
            Error = error.AsMemory(0, Math.Min(error.Length, maxOutputBytes)),
            IsTruncated = status.Flag("out-truncated") || status.Flag("err-truncated") || output.Length > maxOutputBytes || error.Length > maxOutputBytes,
        };
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
