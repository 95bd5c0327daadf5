using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;

namespace Hypervisor.Sdk.Libvirt.Consoles;

/// <summary>The keyboard of a PC, pressed by QEMU itself: its words for keys are those of the call, libvirt has numbers.</summary>
internal sealed class LibvirtKeyboard(LibvirtParts parts) : IKeyboard
{
    private const int MaxKeys = 16;

    public async Task PressAsync(InstanceId id, IReadOnlyList<string> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (keys.Count is 0 or > MaxKeys)
            throw Refusal.Invalid("keys", $"1 to {MaxKeys} keys are pressed together; these are {keys.Count}.");
        if (keys.FirstOrDefault(key => key is not { Length: > 0 and <= 32 } || key.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_')) is not null)
            throw Refusal.Invalid("keys", "a key is a word of QEMU's (QKeyCode): a, 1, ret, esc, ctrl, alt, delete.");
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        if (!facts.IsActive)
            throw Refusal.InvalidState(id, $"'{facts.View.Name}' is {facts.State} and hears no keys.");
        try
        {
            await QemuMonitor.RunAsync(
                await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false), facts.Domain, "send-key",
                json =>
                {
                    json.WriteStartArray("keys");
                    foreach (string key in keys)
                    {
                        json.WriteStartObject();
                        json.WriteString("type", "qcode");
                        json.WriteString("data", key);
                        json.WriteEndObject();
                    }

                    json.WriteEndArray();
                }, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.BackendCode == "GenericError")
        {
            // What else it could be refused for was looked at before.
            throw new HypervisorException($"Nothing was pressed: {error.BackendMessage}", ErrorCode.InvalidArgument, RequestOutcome.Rejected, error)
            {
                Backend = parts.Name, BackendCode = error.BackendCode, BackendMessage = error.BackendMessage, FieldErrors = new Dictionary<string, string> { ["keys"] = error.BackendMessage ?? "QEMU refuses them." },
            };
        }
    }
}
