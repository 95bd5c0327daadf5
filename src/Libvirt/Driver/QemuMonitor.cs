using System.Buffers;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>What libvirt passes on to QEMU itself, for what it has no call of its own for. A domain that was spoken to so is marked by libvirt as such (tainted by custom-monitor), and goes on as before.</summary>
internal static class QemuMonitor
{
    /// <summary>Sends one command.</summary>
    /// <param name="libvirt">The connection.</param>
    /// <param name="domain">The domain, which must run.</param>
    /// <param name="command">The command.</param>
    /// <param name="arguments">Writes the members of its arguments; null when it has none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What it returned.</returns>
    /// <exception cref="HypervisorException">QEMU refuses it.</exception>
    public static async Task<JsonElement> RunAsync(LibvirtConnection libvirt, VirDomain domain, string command, Action<Utf8JsonWriter>? arguments, CancellationToken cancellationToken)
    {
        using var reply = JsonDocument.Parse(await libvirt.QemuDomainMonitorCommandAsync(domain, Command(command, arguments), 0, cancellationToken).ConfigureAwait(false));
        if (reply.RootElement.TryGetProperty("error", out var error))
        {
            string? said = error.TryGetProperty("desc", out var text) ? text.GetString() : null;
            throw new HypervisorException($"QEMU refuses '{command}' for '{domain.Name}': {said}", ErrorCode.Unspecified, RequestOutcome.Rejected)
            {
                Resource = $"instance {domain.Uuid:D}", BackendCode = error.TryGetProperty("class", out var kind) ? kind.GetString() : null, BackendMessage = said,
            };
        }

        return reply.RootElement.TryGetProperty("return", out var result) ? result.Clone() : default;
    }

    /// <summary>A command and its arguments, as QEMU and its guest agent read them.</summary>
    public static string Command(string command, Action<Utf8JsonWriter>? arguments)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("execute", command);
            if (arguments is not null)
            {
                json.WriteStartObject("arguments");
                arguments(json);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>What is in a disk, of the answer to <c>query-block</c>: libvirt's alias of the device is its name at QEMU, or the path to it.</summary>
    public static JsonElement? InsertedIn(JsonElement devices, DomainDisk disk)
    {
        if (disk.Alias is not { } alias)
            return null;
        foreach (var device in devices.EnumerateArray())
        {
            string? name = device.TryGetProperty("qdev", out var qdev) ? qdev.GetString() : null;
            if (name is not null && (name == alias || name.StartsWith($"/machine/peripheral/{alias}/", StringComparison.Ordinal)) && device.TryGetProperty("inserted", out var inserted))
                return inserted;
        }

        return null;
    }
}
