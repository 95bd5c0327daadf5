namespace Hypervisor.Sdk.CloudInit;

/// <summary>Typed settings of cloud-init on specs.</summary>
public static class CloudInitSpecExtensions
{
    /// <summary>Says what cloud-init in the guest makes of it at its first boot.</summary>
    /// <param name="spec">What is to be made.</param>
    /// <param name="config">The settings. They are written now: what is changed later is not in it.</param>
    /// <param name="network">What the guest is told about its networks. Default: nothing, and it asks by DHCP on its first device.</param>
    /// <returns>The same spec.</returns>
    /// <exception cref="HypervisorException">A value breaks its rule: the message and <see cref="HypervisorException.FieldErrors"/> name the field (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static T UseCloudInit<T>(this T spec, CloudConfig config, CloudNetwork? network = null)
        where T : InstanceSpec
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(config);
        var data = spec.CloudInit ??= new CloudInitData();
        data.UserData = config.ToUserData();
        data.HostName ??= config.FullHostName ?? config.HostName;
        data.NetworkConfig = network?.ToNetworkConfig() ?? data.NetworkConfig;
        return spec;
    }
}
