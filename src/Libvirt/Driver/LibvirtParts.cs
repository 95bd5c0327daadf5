using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>What the parts of a backend share.</summary>
internal sealed class LibvirtParts
{
    public required BackendName Name { get; init; }

    public required LibvirtBackendOptions Options { get; init; }

    public required LibvirtUri Uri { get; init; }

    public required LibvirtLink Link { get; init; }

    public required LibvirtHost Host { get; init; }

    public required LibvirtServer Server { get; init; }

    public required LibvirtDomains Domains { get; init; }

    public required LibvirtNews News { get; init; }

    public required EventHub Events { get; init; }

    public required LibvirtWork Work { get; init; }

    public required LibvirtDisks Disks { get; init; }

    public TimeProvider Time => Options.Connection.TimeProvider;

    /// <summary>libvirt's own driver for tests, which takes fewer flags.</summary>
    public bool IsTestDriver => Host.Driver == "TEST";

    /// <summary>The driver of containers.</summary>
    public bool IsContainers => Host.RunsContainers;

    /// <summary>The type of the machines that are made for the host's own architecture.</summary>
    public string DomainType => TypeOf(IsTestDriver ? "i686" : Host.Architecture);

    /// <summary>The type of the machines that are made for an architecture: the one that was set, else the processor's own virtualization where the daemon offers it.</summary>
    public string TypeOf(string architecture) => Options.DomainType ?? (Host.DomainTypes(architecture) is var types && types.Contains("kvm") ? "kvm" : types is [var first, ..] ? first : "qemu");

    /// <summary>The rules of this daemon's driver for names.</summary>
    public NamingRules Naming => NamingOf(Host);

    public static NamingRules NamingOf(LibvirtHost host) => host.RunsContainers ? s_containers : s_machines;

    /// <summary>Names of domains: one that is no file name is refused by QEMU's driver, and one that is longer than a file name may be cannot be kept.</summary>
    private static readonly NamingRules s_machines = new() { AllowedCharacters = " !-.0-~\u00A1-\uD7FF\uF900-\uFFFD", AllowedFirstCharacters = "!-.0-~\u00A1-\uD7FF\uF900-\uFFFD", MaxLength = 80, CaseSensitive = true };

    /// <summary>Names of containers: each is a part of the path of a unix socket, which has 107 bytes.</summary>
    private static readonly NamingRules s_containers = new() { AllowedCharacters = "a-zA-Z0-9_.-", AllowedFirstCharacters = "a-zA-Z0-9", MaxLength = 63, CaseSensitive = true };
}
