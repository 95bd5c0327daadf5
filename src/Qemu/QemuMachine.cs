namespace Hypervisor.Sdk.Qemu;

/// <summary>What only QEMU knows of a machine: <c>spec.Extensions.Set(new QemuMachine { Type = "q35" })</c>.</summary>
public sealed record QemuMachine : ISpecExtension
{
    /// <inheritdoc />
    [System.Text.Json.Serialization.JsonIgnore]
    public string BackendKind => "qemu";

    /// <summary>The machine type, as <c>-machine help</c> lists it: letters, digits, '.', '-' and '_'. Default <c>pc</c>, whose PCI bus takes devices while the guest runs; on another architecture that stands for <see cref="QemuArchitecture.MachineType"/>.</summary>
    public string Type { get; init; } = "pc";

    /// <summary>Whether it has a screen (by VNC on a unix socket) where its architecture has one. Default true.</summary>
    public bool Graphics { get; init; } = true;

    /// <summary>How the screen is looked at: <c>vnc</c> or <c>spice</c>, each on a private unix socket; <see cref="IGraphicsConsole.OpenAsync"/> connects to it. Default <c>vnc</c>.</summary>
    public string ScreenProtocol { get; init; } = "vnc";

    /// <summary>
    /// Whether the screen asks who looks at it: a password of 8 characters, another at each start, which <see cref="GraphicsSession.Password"/> says. For viewers that are given the connection by somebody else; the socket is private
    /// without one. Needs <see cref="Graphics"/>. Default false.
    /// </summary>
    public bool ScreenPassword { get; init; }

    /// <summary>How many serial ports it has, 1 to 4; what the first prints is kept, and the others are silent while nobody has them open (<see cref="ConsoleOptions.Port"/>). Default 1.</summary>
    public int SerialPorts { get; init; } = 1;

    /// <summary>Whether it has a random number device (virtio-rng). Default true.</summary>
    public bool RandomDevice { get; init; } = true;

    /// <summary>Whether it has a channel for the guest agent (virtio port <c>org.qemu.guest_agent.0</c>). Default true.</summary>
    public bool AgentChannel { get; init; } = true;

    /// <summary>
    /// Whether it has a USB 3 controller (qemu-xhci), into which disks on the bus <c>usb</c> are plugged while it runs; with a screen also a pointer that is where the viewer's is (usb-tablet), and outside PCs a keyboard. On a PC or a
    /// machine with PCI Express. Default: false, and true where a disk is on <c>usb</c> from the beginning.
    /// </summary>
    public bool Usb { get; init; }

    /// <summary>Whether the guest tells the host which of its pages it does not use, and the host takes them back until they are written to (virtio-balloon, free page reporting; Linux 5.7 and later). Not of huge pages. Default false.</summary>
    public bool FreePageReporting { get; init; }

    /// <summary>Whether a disk from an image is a copy of its own; otherwise it lies upon the image, which must then stay as it is. Default false.</summary>
    public bool CopyImages { get; init; }

    /// <summary>
    /// What the variables of UEFI begin as, with the keys that secure boot trusts: a raw file beneath one of <see cref="QemuOptions.ImageDirectories"/>, of the size that the host's firmware was built for. Needs
    /// <see cref="VirtualMachineSpec.Firmware"/>. Default: what comes with the firmware; for secure boot, with Microsoft's keys.
    /// </summary>
    public string? FirmwareVariables { get; init; }

    /// <summary>How the guest sees its processors. Default: QEMU's own, which since machine types of version 6.2 is one socket of as many cores.</summary>
    public QemuTopology? Topology { get; init; }

    /// <summary>
    /// How many NUMA nodes its memory and its processors are divided among, in equal parts, 1 to 8: on a PC or an aarch64 machine. Memory that is plugged in goes to the first. Default 1, which the guest is not told of.
    /// </summary>
    public int NumaNodes { get; init; } = 1;

    /// <summary>
    /// Whether its memory is of the host's huge pages (of the default size, hugetlbpage in the kernel's documentation), which must be there when it starts: as many as its memory takes. Default false.
    /// </summary>
    public bool HugePages { get; init; }

    /// <summary>How much translated code is kept when TCG runs the guest. Default: 32 MiB for guests of up to 512 MiB, else 256 MiB.</summary>
    public ByteSize? TranslationCache { get; init; }
}
