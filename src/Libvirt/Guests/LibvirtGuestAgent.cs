using System.Text.Json;

namespace Hypervisor.Sdk.Libvirt.Guests;

/// <summary>What the guest agent says of the guest. An agent that does not offer a command leaves its part out.</summary>
internal sealed class LibvirtGuestAgent(AgentChannel agents) : IGuestAgent
{
    public async Task<GuestInfo> GetInfoAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        var facts = await agents.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        var info = await agents.AskAsync(facts, "guest-info", null, cancellationToken).ConfigureAwait(false);
        var host = await agents.TryAskAsync(facts, "guest-get-host-name", cancellationToken).ConfigureAwait(false);
        var system = await agents.TryAskAsync(facts, "guest-get-osinfo", cancellationToken).ConfigureAwait(false);
        var networks = await agents.TryAskAsync(facts, "guest-network-get-interfaces", cancellationToken).ConfigureAwait(false);
        return new GuestInfo
        {
            Agent = $"qemu-ga {info.Text("version")}",
            HostName = host.Text("host-name"),
            OperatingSystem = system.Text("pretty-name") ?? system.Text("name"),
            Kernel = system.Text("kernel-release"),
            Networks = [.. networks.Items().Select(InterfaceOf).OfType<GuestNetworkInterface>()],
        };
    }

    /// <summary>What the guest says and cannot be an address is left out.</summary>
    private static GuestNetworkInterface? InterfaceOf(JsonElement found) => found.Text("name") is not { } name ? null : new GuestNetworkInterface
    {
        Name = name,
        Mac = MacAddress.TryParse(found.Text("hardware-address"), null, out var mac) ? mac : null,
        Addresses = [.. (found.Member("ip-addresses") ?? default).Items().Select(address => Cidr.TryParse($"{address.Text("ip-address")}/{address.Number("prefix")}", null, out var cidr) ? cidr : default).Where(cidr => !cidr.IsDefault)],
    };
}
