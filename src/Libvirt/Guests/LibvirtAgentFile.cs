using System.Text.Json;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;

namespace Hypervisor.Sdk.Libvirt.Guests;

/// <summary>A file that the agent of a domain has open.</summary>
internal sealed class LibvirtAgentFile(AgentChannel agents, DomainFacts facts, long handle) : IGuestAgentFile
{
    public static async Task<IGuestAgentFile> OpenAsync(AgentChannel agents, InstanceId id, string path, string mode)
    {
        var facts = await agents.RequireAsync(id, CancellationToken.None).ConfigureAwait(false);
        var opened = await agents.AskAsync(
            facts, "guest-file-open",
            json =>
            {
                json.WriteString("path", path);
                json.WriteString("mode", mode);
            }, CancellationToken.None).ConfigureAwait(false);
        return opened.ValueKind == JsonValueKind.Number && opened.TryGetInt64(out long handle) ? new LibvirtAgentFile(agents, facts, handle)
            : throw new BackendProtocolException($"The agent of '{facts.View.Name}' opened '{path}' and does not say as what.", ErrorCode.Protocol, RequestOutcome.Unknown) { Backend = agents.Name };
    }

    public async Task<GuestAgentPart> ReadAsync(int maxBytes)
    {
        var read = await AskAsync("guest-file-read", json => json.WriteNumber("count", maxBytes)).ConfigureAwait(false);
        return new GuestAgentPart(read.Bytes("buf-b64"), read.Flag("eof"));
    }

    public async Task<long> WriteAsync(ReadOnlyMemory<byte> bytes) => (await AskAsync("guest-file-write", json => json.WriteBase64String("buf-b64", bytes.Span)).ConfigureAwait(false)).Number("count") ?? 0;

    public Task FlushAsync() => AskAsync("guest-file-flush", null);

    public Task CloseAsync() => AskAsync("guest-file-close", null);

    private Task<JsonElement> AskAsync(string command, Action<Utf8JsonWriter>? rest) => agents.AskAsync(
        facts, command,
        json =>
        {
            json.WriteNumber("handle", handle);
            rest?.Invoke(json);
        }, CancellationToken.None);
}
