namespace Hypervisor.Sdk.Qemu;

/// <summary>What only QEMU knows of a machine: <c>spec.Extensions.Set(new QemuMachine { Type = "q35" })</c>.</summary>
public sealed record QemuMachine : ISpecExtension
{
    /// <inheritdoc />
    [System.Text.Json.Serialization.JsonIgnore]
    public string BackendKind => "qemu";

    /// <summary>The machine type, as <c>-machine help</c> lists it: letters, digits, '.', '-' and '_'. Default <c>pc</c>, whose PCI bus takes devices while the guest runs.</summary>
    public string Type { get; init; } = "pc";

    /// <summary>Whether it has a screen (VGA, by VNC on a unix socket). Default true.</summary>
    public bool Graphics { get; init; } = true;

    /// <summary>Whether it has a random number device (virtio-rng). Default true.</summary>
    public bool RandomDevice { get; init; } = true;

    /// <summary>Whether it has a channel for the guest agent (virtio port <c>org.qemu.guest_agent.0</c>). Default true.</summary>
    public bool AgentChannel { get; init; } = true;

    /// <summary>Whether a disk from an image is a copy of its own; otherwise it lies upon the image, which must then stay as it is. Default false.</summary>
    public bool CopyImages { get; init; }

    /// <summary>How much translated code is kept when TCG runs the guest. Default: 32 MiB for guests of up to 512 MiB, else 256 MiB.</summary>
    public ByteSize? TranslationCache { get; init; }
}
