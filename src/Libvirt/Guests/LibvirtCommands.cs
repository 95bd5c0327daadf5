using System.Text.Json;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;

namespace Hypervisor.Sdk.Libvirt.Guests;

/// <summary>Commands by the guest agent's guest-exec. The agent keeps what a command prints until it has ended; of what it hands over then, one message of libvirt's holds 4 MiB.</summary>
internal sealed class LibvirtCommands(AgentChannel agents) : ICommands
{
    /// <summary>As Base64 it fits a string of the protocol.</summary>
    private const int MaxInputBytes = 2 << 20;

    public async Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        GuestAgentExec.Refuse(spec, input.Length, MaxInputBytes, agents.Name);
        var facts = await agents.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        long process = await StartAsync(facts, spec, input, cancellationToken).ConfigureAwait(false);
        return await EndOfAsync(facts, process, spec.MaxOutputBytes, cancellationToken).ConfigureAwait(false);
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
            throw GuestAgentExec.NoProgram(program, error, agents.Name);
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
            long asked = await ExecAsync(facts, GuestAgentExec.LookUp(program), null, default, cancellationToken).ConfigureAwait(false);
            return (await EndOfAsync(facts, asked, 0, cancellationToken).ConfigureAwait(false)).ExitCode == 1;
        }
        catch (LibvirtException error) when (AgentChannel.IsNo(error))
        {
            return false;
        }
    }

    private async Task<CommandResult> EndOfAsync(DomainFacts facts, long process, int maxOutputBytes, CancellationToken cancellationToken) =>
        (await GuestAgentExec.EndOfAsync(async () =>
        {
            var status = await agents.AskAsync(facts, "guest-exec-status", json => json.WriteNumber("pid", process), cancellationToken).ConfigureAwait(false);
            return status.Flag("exited") ? ResultOf(status, maxOutputBytes) : null;
        }, Timeout.InfiniteTimeSpan, agents.Time, cancellationToken).ConfigureAwait(false))!;

    private static CommandResult ResultOf(JsonElement status, int maxOutputBytes) => GuestAgentExec.ResultOf(status.Number("exitcode"), status.Number("signal"), status.Bytes("out-data"), status.Bytes("err-data"),
        status.Flag("out-truncated") || status.Flag("err-truncated"), maxOutputBytes);
}
