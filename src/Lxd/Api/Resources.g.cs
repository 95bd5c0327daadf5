// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Resources</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResources
{
    /// <summary><c>cpu</c>.</summary>
    [JsonPropertyName("cpu")]
    public LxdResourcesCpu? Cpu { get; set; }

    /// <summary><c>gpu</c>.</summary>
    [JsonPropertyName("gpu")]
    public LxdResourcesGpu? Gpu { get; set; }

    /// <summary><c>memory</c>.</summary>
    [JsonPropertyName("memory")]
    public LxdResourcesMemory? Memory { get; set; }

    /// <summary><c>network</c>.</summary>
    [JsonPropertyName("network")]
    public LxdResourcesNetwork? Network { get; set; }

    /// <summary><c>pci</c>.</summary>
    [JsonPropertyName("pci")]
    public LxdResourcesPci? Pci { get; set; }

    /// <summary><c>storage</c>.</summary>
    [JsonPropertyName("storage")]
    public LxdResourcesStorage? Storage { get; set; }

    /// <summary><c>system</c>.</summary>
    [JsonPropertyName("system")]
    public LxdResourcesSystem? System { get; set; }

    /// <summary><c>usb</c>.</summary>
    [JsonPropertyName("usb")]
    public LxdResourcesUsb? Usb { get; set; }

    /// <summary><c>load</c>.</summary>
    [JsonPropertyName("load")]
    public LxdResourcesLoad? Load { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesCpu</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesCpu
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>sockets</c>.</summary>
    [JsonPropertyName("sockets")]
    public IList<LxdResourcesCpuSocket>? Sockets { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesCpuCache</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesCpuCache
{
    /// <summary><c>level</c>.</summary>
    [JsonPropertyName("level")]
    public ulong? Level { get; set; }

    /// <summary><c>size</c>.</summary>
    [JsonPropertyName("size")]
    public ulong? Size { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesCpuCore</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesCpuCore
{
    /// <summary><c>core</c>.</summary>
    [JsonPropertyName("core")]
    public ulong? Core { get; set; }

    /// <summary><c>die</c>.</summary>
    [JsonPropertyName("die")]
    public ulong? Die { get; set; }

    /// <summary><c>frequency</c>.</summary>
    [JsonPropertyName("frequency")]
    public ulong? Frequency { get; set; }

    /// <summary><c>threads</c>.</summary>
    [JsonPropertyName("threads")]
    public IList<LxdResourcesCpuThread>? Threads { get; set; }

    /// <summary><c>flags</c>.</summary>
    [JsonPropertyName("flags")]
    public IList<string>? Flags { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesCpuSocket</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesCpuSocket
{
    /// <summary><c>cache</c>.</summary>
    [JsonPropertyName("cache")]
    public IList<LxdResourcesCpuCache>? Cache { get; set; }

    /// <summary><c>cores</c>.</summary>
    [JsonPropertyName("cores")]
    public IList<LxdResourcesCpuCore>? Cores { get; set; }

    /// <summary><c>frequency</c>.</summary>
    [JsonPropertyName("frequency")]
    public ulong? Frequency { get; set; }

    /// <summary><c>frequency_minimum</c>.</summary>
    [JsonPropertyName("frequency_minimum")]
    public ulong? FrequencyMinimum { get; set; }

    /// <summary><c>frequency_turbo</c>.</summary>
    [JsonPropertyName("frequency_turbo")]
    public ulong? FrequencyTurbo { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>socket</c>.</summary>
    [JsonPropertyName("socket")]
    public ulong? Socket { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesCpuThread</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesCpuThread
{
    /// <summary><c>id</c>.</summary>
    [JsonPropertyName("id")]
    public long? Id { get; set; }

    /// <summary><c>isolated</c>.</summary>
    [JsonPropertyName("isolated")]
    public bool? Isolated { get; set; }

    /// <summary><c>numa_node</c>.</summary>
    [JsonPropertyName("numa_node")]
    public ulong? NumaNode { get; set; }

    /// <summary><c>online</c>.</summary>
    [JsonPropertyName("online")]
    public bool? Online { get; set; }

    /// <summary><c>thread</c>.</summary>
    [JsonPropertyName("thread")]
    public ulong? Thread { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesGpu</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesGpu
{
    /// <summary><c>cards</c>.</summary>
    [JsonPropertyName("cards")]
    public IList<LxdResourcesGpuCard>? Cards { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesGpuCard</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesGpuCard
{
    /// <summary><c>driver</c>.</summary>
    [JsonPropertyName("driver")]
    public string? Driver { get; set; }

    /// <summary><c>driver_version</c>.</summary>
    [JsonPropertyName("driver_version")]
    public string? DriverVersion { get; set; }

    /// <summary><c>drm</c>.</summary>
    [JsonPropertyName("drm")]
    public LxdResourcesGpuCardDrm? Drm { get; set; }

    /// <summary><c>mdev</c>.</summary>
    [JsonPropertyName("mdev")]
    public IDictionary<string, LxdResourcesGpuCardMdev>? Mdev { get; set; }

    /// <summary><c>numa_node</c>.</summary>
    [JsonPropertyName("numa_node")]
    public ulong? NumaNode { get; set; }

    /// <summary><c>nvidia</c>.</summary>
    [JsonPropertyName("nvidia")]
    public LxdResourcesGpuCardNvidia? Nvidia { get; set; }

    /// <summary><c>pci_address</c>.</summary>
    [JsonPropertyName("pci_address")]
    public string? PciAddress { get; set; }

    /// <summary><c>product</c>.</summary>
    [JsonPropertyName("product")]
    public string? Product { get; set; }

    /// <summary><c>product_id</c>.</summary>
    [JsonPropertyName("product_id")]
    public string? ProductId { get; set; }

    /// <summary><c>sriov</c>.</summary>
    [JsonPropertyName("sriov")]
    public LxdResourcesGpuCardSriov? Sriov { get; set; }

    /// <summary><c>usb_address</c>.</summary>
    [JsonPropertyName("usb_address")]
    public string? UsbAddress { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary><c>vendor_id</c>.</summary>
    [JsonPropertyName("vendor_id")]
    public string? VendorId { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesGpuCardDrm</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesGpuCardDrm
{
    /// <summary><c>card_device</c>.</summary>
    [JsonPropertyName("card_device")]
    public string? CardDevice { get; set; }

    /// <summary><c>card_name</c>.</summary>
    [JsonPropertyName("card_name")]
    public string? CardName { get; set; }

    /// <summary><c>control_device</c>.</summary>
    [JsonPropertyName("control_device")]
    public string? ControlDevice { get; set; }

    /// <summary><c>control_name</c>.</summary>
    [JsonPropertyName("control_name")]
    public string? ControlName { get; set; }

    /// <summary><c>id</c>.</summary>
    [JsonPropertyName("id")]
    public ulong? Id { get; set; }

    /// <summary><c>render_device</c>.</summary>
    [JsonPropertyName("render_device")]
    public string? RenderDevice { get; set; }

    /// <summary><c>render_name</c>.</summary>
    [JsonPropertyName("render_name")]
    public string? RenderName { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesGpuCardMdev</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesGpuCardMdev
{
    /// <summary><c>api</c>.</summary>
    [JsonPropertyName("api")]
    public string? Api { get; set; }

    /// <summary><c>available</c>.</summary>
    [JsonPropertyName("available")]
    public ulong? Available { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>devices</c>.</summary>
    [JsonPropertyName("devices")]
    public IList<string>? Devices { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesGpuCardNvidia</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesGpuCardNvidia
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>brand</c>.</summary>
    [JsonPropertyName("brand")]
    public string? Brand { get; set; }

    /// <summary><c>card_device</c>.</summary>
    [JsonPropertyName("card_device")]
    public string? CardDevice { get; set; }

    /// <summary><c>card_name</c>.</summary>
    [JsonPropertyName("card_name")]
    public string? CardName { get; set; }

    /// <summary><c>cuda_version</c>.</summary>
    [JsonPropertyName("cuda_version")]
    public string? CudaVersion { get; set; }

    /// <summary><c>model</c>.</summary>
    [JsonPropertyName("model")]
    public string? Model { get; set; }

    /// <summary><c>nvrm_version</c>.</summary>
    [JsonPropertyName("nvrm_version")]
    public string? NvrmVersion { get; set; }

    /// <summary><c>uuid</c>.</summary>
    [JsonPropertyName("uuid")]
    public string? Uuid { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesGpuCardSriov</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesGpuCardSriov
{
    /// <summary><c>current_vfs</c>.</summary>
    [JsonPropertyName("current_vfs")]
    public ulong? CurrentVfs { get; set; }

    /// <summary><c>maximum_vfs</c>.</summary>
    [JsonPropertyName("maximum_vfs")]
    public ulong? MaximumVfs { get; set; }

    /// <summary><c>vfs</c>.</summary>
    [JsonPropertyName("vfs")]
    public IList<LxdResourcesGpuCard>? Vfs { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesLoad</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesLoad
{
    /// <summary><c>Average1Min</c>.</summary>
    [JsonPropertyName("Average1Min")]
    public double? Average1Min { get; set; }

    /// <summary><c>Average5Min</c>.</summary>
    [JsonPropertyName("Average5Min")]
    public double? Average5Min { get; set; }

    /// <summary><c>Average10Min</c>.</summary>
    [JsonPropertyName("Average10Min")]
    public double? Average10Min { get; set; }

    /// <summary><c>Processes</c>.</summary>
    [JsonPropertyName("Processes")]
    public long? Processes { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesMemory</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesMemory
{
    /// <summary><c>hugepages_size</c>.</summary>
    [JsonPropertyName("hugepages_size")]
    public ulong? HugepagesSize { get; set; }

    /// <summary><c>hugepages_total</c>.</summary>
    [JsonPropertyName("hugepages_total")]
    public ulong? HugepagesTotal { get; set; }

    /// <summary><c>hugepages_used</c>.</summary>
    [JsonPropertyName("hugepages_used")]
    public ulong? HugepagesUsed { get; set; }

    /// <summary><c>nodes</c>.</summary>
    [JsonPropertyName("nodes")]
    public IList<LxdResourcesMemoryNode>? Nodes { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary><c>used</c>.</summary>
    [JsonPropertyName("used")]
    public ulong? Used { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesMemoryNode</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesMemoryNode
{
    /// <summary><c>hugepages_total</c>.</summary>
    [JsonPropertyName("hugepages_total")]
    public ulong? HugepagesTotal { get; set; }

    /// <summary><c>hugepages_used</c>.</summary>
    [JsonPropertyName("hugepages_used")]
    public ulong? HugepagesUsed { get; set; }

    /// <summary><c>numa_node</c>.</summary>
    [JsonPropertyName("numa_node")]
    public ulong? NumaNode { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary><c>used</c>.</summary>
    [JsonPropertyName("used")]
    public ulong? Used { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesNetwork</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesNetwork
{
    /// <summary><c>cards</c>.</summary>
    [JsonPropertyName("cards")]
    public IList<LxdResourcesNetworkCard>? Cards { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesNetworkCard</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesNetworkCard
{
    /// <summary><c>driver</c>.</summary>
    [JsonPropertyName("driver")]
    public string? Driver { get; set; }

    /// <summary><c>driver_version</c>.</summary>
    [JsonPropertyName("driver_version")]
    public string? DriverVersion { get; set; }

    /// <summary><c>firmware_version</c>.</summary>
    [JsonPropertyName("firmware_version")]
    public string? FirmwareVersion { get; set; }

    /// <summary><c>numa_node</c>.</summary>
    [JsonPropertyName("numa_node")]
    public ulong? NumaNode { get; set; }

    /// <summary><c>pci_address</c>.</summary>
    [JsonPropertyName("pci_address")]
    public string? PciAddress { get; set; }

    /// <summary><c>ports</c>.</summary>
    [JsonPropertyName("ports")]
    public IList<LxdResourcesNetworkCardPort>? Ports { get; set; }

    /// <summary><c>product</c>.</summary>
    [JsonPropertyName("product")]
    public string? Product { get; set; }

    /// <summary><c>product_id</c>.</summary>
    [JsonPropertyName("product_id")]
    public string? ProductId { get; set; }

    /// <summary><c>sriov</c>.</summary>
    [JsonPropertyName("sriov")]
    public LxdResourcesNetworkCardSriov? Sriov { get; set; }

    /// <summary><c>usb_address</c>.</summary>
    [JsonPropertyName("usb_address")]
    public string? UsbAddress { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary><c>vendor_id</c>.</summary>
    [JsonPropertyName("vendor_id")]
    public string? VendorId { get; set; }

    /// <summary><c>vdpa</c>.</summary>
    [JsonPropertyName("vdpa")]
    public LxdResourcesNetworkCardVdpa? Vdpa { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesNetworkCardPort</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesNetworkCardPort
{
    /// <summary><c>address</c>.</summary>
    [JsonPropertyName("address")]
    public string? Address { get; set; }

    /// <summary><c>auto_negotiation</c>.</summary>
    [JsonPropertyName("auto_negotiation")]
    public bool? AutoNegotiation { get; set; }

    /// <summary><c>id</c>.</summary>
    [JsonPropertyName("id")]
    public string? Id { get; set; }

    /// <summary><c>infiniband</c>.</summary>
    [JsonPropertyName("infiniband")]
    public LxdResourcesNetworkCardPortInfiniband? Infiniband { get; set; }

    /// <summary><c>link_detected</c>.</summary>
    [JsonPropertyName("link_detected")]
    public bool? LinkDetected { get; set; }

    /// <summary><c>link_duplex</c>.</summary>
    [JsonPropertyName("link_duplex")]
    public string? LinkDuplex { get; set; }

    /// <summary><c>link_speed</c>.</summary>
    [JsonPropertyName("link_speed")]
    public ulong? LinkSpeed { get; set; }

    /// <summary><c>port</c>.</summary>
    [JsonPropertyName("port")]
    public ulong? Port { get; set; }

    /// <summary><c>port_type</c>.</summary>
    [JsonPropertyName("port_type")]
    public string? PortType { get; set; }

    /// <summary><c>protocol</c>.</summary>
    [JsonPropertyName("protocol")]
    public string? Protocol { get; set; }

    /// <summary><c>supported_modes</c>.</summary>
    [JsonPropertyName("supported_modes")]
    public IList<string>? SupportedModes { get; set; }

    /// <summary><c>supported_ports</c>.</summary>
    [JsonPropertyName("supported_ports")]
    public IList<string>? SupportedPorts { get; set; }

    /// <summary><c>transceiver_type</c>.</summary>
    [JsonPropertyName("transceiver_type")]
    public string? TransceiverType { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesNetworkCardPortInfiniband</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesNetworkCardPortInfiniband
{
    /// <summary><c>issm_device</c>.</summary>
    [JsonPropertyName("issm_device")]
    public string? IssmDevice { get; set; }

    /// <summary><c>issm_name</c>.</summary>
    [JsonPropertyName("issm_name")]
    public string? IssmName { get; set; }

    /// <summary><c>mad_device</c>.</summary>
    [JsonPropertyName("mad_device")]
    public string? MadDevice { get; set; }

    /// <summary><c>mad_name</c>.</summary>
    [JsonPropertyName("mad_name")]
    public string? MadName { get; set; }

    /// <summary><c>verb_device</c>.</summary>
    [JsonPropertyName("verb_device")]
    public string? VerbDevice { get; set; }

    /// <summary><c>verb_name</c>.</summary>
    [JsonPropertyName("verb_name")]
    public string? VerbName { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesNetworkCardSriov</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesNetworkCardSriov
{
    /// <summary><c>current_vfs</c>.</summary>
    [JsonPropertyName("current_vfs")]
    public ulong? CurrentVfs { get; set; }

    /// <summary><c>maximum_vfs</c>.</summary>
    [JsonPropertyName("maximum_vfs")]
    public ulong? MaximumVfs { get; set; }

    /// <summary><c>vfs</c>.</summary>
    [JsonPropertyName("vfs")]
    public IList<LxdResourcesNetworkCard>? Vfs { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesNetworkCardVdpa</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesNetworkCardVdpa
{
    /// <summary><c>device</c>.</summary>
    [JsonPropertyName("device")]
    public string? Device { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesPci</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesPci
{
    /// <summary><c>devices</c>.</summary>
    [JsonPropertyName("devices")]
    public IList<LxdResourcesPciDevice>? Devices { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesPciDevice</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesPciDevice
{
    /// <summary><c>driver</c>.</summary>
    [JsonPropertyName("driver")]
    public string? Driver { get; set; }

    /// <summary><c>driver_version</c>.</summary>
    [JsonPropertyName("driver_version")]
    public string? DriverVersion { get; set; }

    /// <summary><c>iommu_group</c>.</summary>
    [JsonPropertyName("iommu_group")]
    public ulong? IommuGroup { get; set; }

    /// <summary><c>numa_node</c>.</summary>
    [JsonPropertyName("numa_node")]
    public ulong? NumaNode { get; set; }

    /// <summary><c>pci_address</c>.</summary>
    [JsonPropertyName("pci_address")]
    public string? PciAddress { get; set; }

    /// <summary><c>product</c>.</summary>
    [JsonPropertyName("product")]
    public string? Product { get; set; }

    /// <summary><c>product_id</c>.</summary>
    [JsonPropertyName("product_id")]
    public string? ProductId { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary><c>vendor_id</c>.</summary>
    [JsonPropertyName("vendor_id")]
    public string? VendorId { get; set; }

    /// <summary><c>vpd</c>.</summary>
    [JsonPropertyName("vpd")]
    public LxdResourcesPcivpd? Vpd { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesPcivpd</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesPcivpd
{
    /// <summary><c>entries</c>.</summary>
    [JsonPropertyName("entries")]
    public IDictionary<string, string>? Entries { get; set; }

    /// <summary><c>product_name</c>.</summary>
    [JsonPropertyName("product_name")]
    public string? ProductName { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesStorage</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesStorage
{
    /// <summary><c>disks</c>.</summary>
    [JsonPropertyName("disks")]
    public IList<LxdResourcesStorageDisk>? Disks { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesStorageDisk</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesStorageDisk
{
    /// <summary><c>block_size</c>.</summary>
    [JsonPropertyName("block_size")]
    public ulong? BlockSize { get; set; }

    /// <summary><c>device</c>.</summary>
    [JsonPropertyName("device")]
    public string? Device { get; set; }

    /// <summary><c>device_id</c>.</summary>
    [JsonPropertyName("device_id")]
    public string? DeviceId { get; set; }

    /// <summary><c>device_path</c>.</summary>
    [JsonPropertyName("device_path")]
    public string? DevicePath { get; set; }

    /// <summary><c>firmware_version</c>.</summary>
    [JsonPropertyName("firmware_version")]
    public string? FirmwareVersion { get; set; }

    /// <summary><c>id</c>.</summary>
    [JsonPropertyName("id")]
    public string? Id { get; set; }

    /// <summary><c>model</c>.</summary>
    [JsonPropertyName("model")]
    public string? Model { get; set; }

    /// <summary><c>numa_node</c>.</summary>
    [JsonPropertyName("numa_node")]
    public ulong? NumaNode { get; set; }

    /// <summary><c>partitions</c>.</summary>
    [JsonPropertyName("partitions")]
    public IList<LxdResourcesStorageDiskPartition>? Partitions { get; set; }

    /// <summary><c>pci_address</c>.</summary>
    [JsonPropertyName("pci_address")]
    public string? PciAddress { get; set; }

    /// <summary><c>read_only</c>.</summary>
    [JsonPropertyName("read_only")]
    public bool? ReadOnly { get; set; }

    /// <summary><c>removable</c>.</summary>
    [JsonPropertyName("removable")]
    public bool? Removable { get; set; }

    /// <summary><c>rpm</c>.</summary>
    [JsonPropertyName("rpm")]
    public ulong? Rpm { get; set; }

    /// <summary><c>serial</c>.</summary>
    [JsonPropertyName("serial")]
    public string? Serial { get; set; }

    /// <summary><c>size</c>.</summary>
    [JsonPropertyName("size")]
    public ulong? Size { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>usb_address</c>.</summary>
    [JsonPropertyName("usb_address")]
    public string? UsbAddress { get; set; }

    /// <summary><c>wwn</c>.</summary>
    [JsonPropertyName("wwn")]
    public string? Wwn { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesStorageDiskPartition</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesStorageDiskPartition
{
    /// <summary><c>device</c>.</summary>
    [JsonPropertyName("device")]
    public string? Device { get; set; }

    /// <summary><c>id</c>.</summary>
    [JsonPropertyName("id")]
    public string? Id { get; set; }

    /// <summary><c>partition</c>.</summary>
    [JsonPropertyName("partition")]
    public ulong? Partition { get; set; }

    /// <summary><c>read_only</c>.</summary>
    [JsonPropertyName("read_only")]
    public bool? ReadOnly { get; set; }

    /// <summary><c>size</c>.</summary>
    [JsonPropertyName("size")]
    public ulong? Size { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesStoragePool</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesStoragePool
{
    /// <summary><c>inodes</c>.</summary>
    [JsonPropertyName("inodes")]
    public LxdResourcesStoragePoolInodes? Inodes { get; set; }

    /// <summary><c>space</c>.</summary>
    [JsonPropertyName("space")]
    public LxdResourcesStoragePoolSpace? Space { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesStoragePoolInodes</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesStoragePoolInodes
{
    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary><c>used</c>.</summary>
    [JsonPropertyName("used")]
    public ulong? Used { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesStoragePoolSpace</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesStoragePoolSpace
{
    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary><c>used</c>.</summary>
    [JsonPropertyName("used")]
    public ulong? Used { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesSystem</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesSystem
{
    /// <summary><c>chassis</c>.</summary>
    [JsonPropertyName("chassis")]
    public LxdResourcesSystemChassis? Chassis { get; set; }

    /// <summary><c>family</c>.</summary>
    [JsonPropertyName("family")]
    public string? Family { get; set; }

    /// <summary><c>firmware</c>.</summary>
    [JsonPropertyName("firmware")]
    public LxdResourcesSystemFirmware? Firmware { get; set; }

    /// <summary><c>motherboard</c>.</summary>
    [JsonPropertyName("motherboard")]
    public LxdResourcesSystemMotherboard? Motherboard { get; set; }

    /// <summary><c>product</c>.</summary>
    [JsonPropertyName("product")]
    public string? Product { get; set; }

    /// <summary><c>serial</c>.</summary>
    [JsonPropertyName("serial")]
    public string? Serial { get; set; }

    /// <summary><c>sku</c>.</summary>
    [JsonPropertyName("sku")]
    public string? Sku { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>uuid</c>.</summary>
    [JsonPropertyName("uuid")]
    public string? Uuid { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary><c>version</c>.</summary>
    [JsonPropertyName("version")]
    public string? Version { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesSystemChassis</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesSystemChassis
{
    /// <summary><c>serial</c>.</summary>
    [JsonPropertyName("serial")]
    public string? Serial { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary><c>version</c>.</summary>
    [JsonPropertyName("version")]
    public string? Version { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesSystemFirmware</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesSystemFirmware
{
    /// <summary><c>date</c>.</summary>
    [JsonPropertyName("date")]
    public string? Date { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary><c>version</c>.</summary>
    [JsonPropertyName("version")]
    public string? Version { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesSystemMotherboard</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesSystemMotherboard
{
    /// <summary><c>product</c>.</summary>
    [JsonPropertyName("product")]
    public string? Product { get; set; }

    /// <summary><c>serial</c>.</summary>
    [JsonPropertyName("serial")]
    public string? Serial { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary><c>version</c>.</summary>
    [JsonPropertyName("version")]
    public string? Version { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesUsb</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesUsb
{
    /// <summary><c>devices</c>.</summary>
    [JsonPropertyName("devices")]
    public IList<LxdResourcesUsbDevice>? Devices { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public ulong? Total { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesUsbDevice</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesUsbDevice
{
    /// <summary><c>bus_address</c>.</summary>
    [JsonPropertyName("bus_address")]
    public ulong? BusAddress { get; set; }

    /// <summary><c>device_address</c>.</summary>
    [JsonPropertyName("device_address")]
    public ulong? DeviceAddress { get; set; }

    /// <summary><c>interfaces</c>.</summary>
    [JsonPropertyName("interfaces")]
    public IList<LxdResourcesUsbDeviceInterface>? Interfaces { get; set; }

    /// <summary><c>product</c>.</summary>
    [JsonPropertyName("product")]
    public string? Product { get; set; }

    /// <summary><c>product_id</c>.</summary>
    [JsonPropertyName("product_id")]
    public string? ProductId { get; set; }

    /// <summary><c>speed</c>.</summary>
    [JsonPropertyName("speed")]
    public double? Speed { get; set; }

    /// <summary><c>vendor</c>.</summary>
    [JsonPropertyName("vendor")]
    public string? Vendor { get; set; }

    /// <summary><c>vendor_id</c>.</summary>
    [JsonPropertyName("vendor_id")]
    public string? VendorId { get; set; }

    /// <summary><c>serial</c>.</summary>
    [JsonPropertyName("serial")]
    public string? Serial { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ResourcesUsbDeviceInterface</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdResourcesUsbDeviceInterface
{
    /// <summary><c>class</c>.</summary>
    [JsonPropertyName("class")]
    public string? Class { get; set; }

    /// <summary><c>class_id</c>.</summary>
    [JsonPropertyName("class_id")]
    public ulong? ClassId { get; set; }

    /// <summary><c>driver</c>.</summary>
    [JsonPropertyName("driver")]
    public string? Driver { get; set; }

    /// <summary><c>driver_version</c>.</summary>
    [JsonPropertyName("driver_version")]
    public string? DriverVersion { get; set; }

    /// <summary><c>number</c>.</summary>
    [JsonPropertyName("number")]
    public ulong? Number { get; set; }

    /// <summary><c>subclass</c>.</summary>
    [JsonPropertyName("subclass")]
    public string? Subclass { get; set; }

    /// <summary><c>subclass_id</c>.</summary>
    [JsonPropertyName("subclass_id")]
    public ulong? SubclassId { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
