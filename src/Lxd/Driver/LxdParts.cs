using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>What the services of a backend share.</summary>
internal sealed class LxdParts
{
    public required BackendName Name { get; init; }

    public required LxdBackendOptions Options { get; init; }

    public required LxdClient Client { get; init; }

    public required ContainerLook Containers { get; init; }

    public required EventHub Events { get; init; }

    public required LxdNewsReader News { get; init; }

    public required LxdMemory Memory { get; init; }
}
