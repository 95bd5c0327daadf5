using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.GuestAgent;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Guests;

/// <summary>What the guest agent says of the guest. An agent that does not offer a command leaves its part out.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuGuestAgent(AgentChannel channel) : IGuestAgent
{
    public Task<GuestInfo> GetInfoAsync(InstanceId id, CancellationToken cancellationToken = default) => channel.TalkAsync(id, async agent =>
    {
        var info = await agent.InfoAsync(cancellationToken).ConfigureAwait(false);
        var host = await OptionalAsync(agent.GetHostNameAsync(cancellationToken)).ConfigureAwait(false);
        var system = await OptionalAsync(agent.GetOsinfoAsync(cancellationToken)).ConfigureAwait(false);
        var networks = await OptionalAsync(agent.NetworkGetInterfacesAsync(cancellationToken)).ConfigureAwait(false);
        return new GuestInfo
        {
            Agent = $"qemu-ga {info.Version}",
            HostName = host?.HostName,
            OperatingSystem = system?.PrettyName ?? system?.Name,
            Kernel = system?.KernelRelease,
            Networks = [.. (networks ?? []).Select(ToInterface)],
        };
    }, cancellationToken);

    /// <summary>The network device as the model has it. What the guest says and cannot be an address is left out.</summary>
    private static Sdk.GuestNetworkInterface ToInterface(GuestAgent.GuestNetworkInterface found) => new()
    {
        Name = found.Name,
        Mac = MacAddress.TryParse(found.HardwareAddress, null, out var mac) ? mac : null,
        Addresses = [.. (found.IpAddresses ?? []).Select(address => Cidr.TryParse($"{address.IpAddress}/{address.Prefix}", null, out var cidr) ? cidr : default).Where(cidr => !cidr.IsDefault)],
    };

    private static async Task<T?> OptionalAsync<T>(ValueTask<T> call)
        where T : class
    {
        try
        {
            return await call.ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Unsupported || (error.Outcome == RequestOutcome.Rejected && error.BackendCode is not null))
        {
            return null;
        }
    }
}
