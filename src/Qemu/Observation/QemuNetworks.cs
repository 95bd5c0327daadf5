using System.Net.NetworkInformation;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Observation;

/// <summary>The networks that a machine can join: QEMU's own, and this host's bridges.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuNetworks : INetworks
{
    public async IAsyncEnumerable<Network> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        yield return new Network { Name = NetworkNames.User, Kind = "user", Description = "Out through the host, as the host; nothing in." };
        yield return new Network { Name = NetworkNames.UserRestricted, Kind = "user", Description = "Addresses and nothing else: no way out, none in." };
        foreach (var device in NetworkInterface.GetAllNetworkInterfaces().OrderBy(device => device.Name, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string name = $"bridge:{device.Name}";
            if (Directory.Exists($"/sys/class/net/{device.Name}/bridge") && NetworkNames.TryParse(name, out _, out _))
                yield return new Network { Name = name, Kind = "bridge", Addresses = [.. device.GetIPProperties().UnicastAddresses.Where(address => address.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork).Select(address => new Cidr(address.Address, address.PrefixLength))] };
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }
}
