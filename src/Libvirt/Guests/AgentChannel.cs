using System.Text.Json;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Guests;

/// <summary>Talks to guest agents through the daemon, which lets one at a time speak to each.</summary>
/// <remarks>The commands are those of qga/qapi-schema.json.</remarks>
internal sealed class AgentChannel(LibvirtParts parts)
{
    /// <summary>How long the daemon waits for the agent, in seconds.</summary>
    private const int AnswerSeconds = 30;

    public TimeProvider Time => parts.Time;

    public BackendName Name => parts.Name;

    /// <summary>The domain, which must run and have a channel for an agent.</summary>
    public async Task<DomainFacts> RequireAsync(InstanceId id, CancellationToken cancellationToken)
    {
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        if (facts is not { IsActive: true, Live: { } live })
            throw Refusal.InvalidState(id, $"'{facts.View.Name}' is {facts.State}: there is nobody in it to talk to.");
        if (!live.Devices("channel").Any(channel => channel.Element("target")?.Attribute("name")?.Value == "org.qemu.guest_agent.0"))
            throw new HypervisorException($"'{facts.View.Name}' was made without a channel for a guest agent (org.qemu.guest_agent.0).", ErrorCode.Unsupported, RequestOutcome.NotSent) { Backend = parts.Name, Resource = $"instance {id}" };
        return facts;
    }

    /// <summary>Sends one command.</summary>
    /// <param name="facts">The domain.</param>
    /// <param name="command">The command.</param>
    /// <param name="arguments">Writes the members of its arguments; null when it has none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What it returned.</returns>
    /// <exception cref="HypervisorException">Nobody answers (<see cref="ErrorCode.Unavailable"/>), or the agent says no (its own words, no code).</exception>
    public async Task<JsonElement> AskAsync(DomainFacts facts, string command, Action<Utf8JsonWriter>? arguments, CancellationToken cancellationToken)
    {
        var libvirt = (await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false)).WithTimeout(Timeout.InfiniteTimeSpan);
        string? reply = await libvirt.QemuDomainAgentCommandAsync(facts.Domain, QemuMonitor.Command(command, arguments), AnswerSeconds, 0, cancellationToken).ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(reply ?? "{}");
            return document.RootElement.TryGetProperty("return", out var result) ? result.Clone() : default;
        }
        catch (JsonException error)
        {
            throw new HypervisorException($"The agent of '{facts.View.Name}' answered '{command}' with what is no JSON: {error.Message}", ErrorCode.Protocol, RequestOutcome.Unknown, error) { Backend = parts.Name };
        }
    }

    /// <summary>The same for what an agent need not know: undefined when it does not.</summary>
    public async Task<JsonElement> TryAskAsync(DomainFacts facts, string command, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(facts, command, null, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Code == ErrorCode.Unsupported || IsNo(error))
        {
            return default;
        }
    }

    /// <summary>Whether it was the agent that said no: libvirt has one error for whatever it says.</summary>
    public static bool IsNo(LibvirtException error) => error.Number == VirErrorNumber.ErrInternalError;
}
