namespace Hypervisor.Sdk;

/// <summary>The diagnostics of what may still change its shape.</summary>
internal static class ExperimentalIds
{
    public const string Firewall = "HVSDK001";
    public const string Sdn = "HVSDK002";
    public const string AddressManagement = "HVSDK003";
    public const string DiskStorage = "HVSDK004";
}
