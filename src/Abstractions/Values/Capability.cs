using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Something that a backend may be able to do, asked by <see cref="IBackend.QueryAsync"/>. An open set: drivers name further ones.</summary>
/// <remarks>
/// Written 1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.
/// Printed as it was given and compared by ordinal. The default value is no capability: it prints as an empty text, and calls that change something refuse it.
/// </remarks>
public readonly record struct Capability : ISpanParsable<Capability>, IUtf8SpanParsable<Capability>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly string? _value;

    private Capability(string value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value is null;

    /// <summary>Parses a capability.</summary>
    /// <param name="s">The text: 1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="s"/> is null.</exception>
    /// <exception cref="FormatException">The text is not a capability; the message names the value and the rule.</exception>
    public static Capability Parse(string s, IFormatProvider? provider = null) => new(TextRules.Word.Parse(s, "a capability"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static Capability Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => new(TextRules.Word.Parse(s, "a capability"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static Capability Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) => new(TextRules.Word.Parse(utf8Text, "a capability"));

    /// <summary>Parses a capability and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Capability result)
    {
        bool valid = TextRules.Word.Accepts(s);
        result = valid ? new(s!) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Capability)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out Capability result)
    {
        bool valid = TextRules.Word.Accepts(s);
        result = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Capability)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out Capability result)
    {
        bool valid = TextRules.Word.TryDecode(utf8Text, out string? text);
        result = valid ? new(text!) : default;
        return valid;
    }

    /// <summary>The value as it was given; an empty text for the default value.</summary>
    public override string ToString() => _value ?? "";

    /// <inheritdoc />
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc />
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(_value, destination, out charsWritten);

    /// <inheritdoc />
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(_value, utf8Destination, out bytesWritten);

    /// <summary>Virtual machines can be created.</summary>
    public static Capability VirtualMachines { get; } = new("virtual-machines");

    /// <summary>Containers can be created.</summary>
    public static Capability Containers { get; } = new("containers");

    /// <summary>Guests run on the processor itself (KVM and its like) instead of being emulated.</summary>
    public static Capability HardwareAcceleration { get; } = new("hardware-acceleration");

    /// <summary>A running instance moves without stopping.</summary>
    public static Capability LiveMigration { get; } = new("live-migration");

    /// <summary>CPUs are added while the instance runs.</summary>
    public static Capability HotplugCpu { get; } = new("hotplug-cpu");

    /// <summary>Memory is added while the instance runs.</summary>
    public static Capability HotplugMemory { get; } = new("hotplug-memory");

    /// <summary>Disks are added and removed while the instance runs.</summary>
    public static Capability HotplugDisk { get; } = new("hotplug-disk");

    /// <summary>Network devices are added and removed while the instance runs.</summary>
    public static Capability HotplugNetwork { get; } = new("hotplug-network");

    /// <summary>Disks grow while the instance runs.</summary>
    public static Capability OnlineResizeDisk { get; } = new("online-resize-disk");

    /// <summary>How fast a guest uses a disk can be limited, at its making and later (<see cref="DiskLimits"/>).</summary>
    public static Capability LimitDisks { get; } = new("limit-disks");

    /// <summary>Another CD can be put in while the instance runs.</summary>
    public static Capability ChangeMedia { get; } = new("change-media");

    /// <summary>Snapshots of disks.</summary>
    public static Capability Snapshots { get; } = new("snapshots");

    /// <summary>Snapshots that contain the memory of a running instance.</summary>
    public static Capability MemorySnapshots { get; } = new("memory-snapshots");

    /// <summary>Clones that share unchanged blocks with their source.</summary>
    public static Capability LinkedClones { get; } = new("linked-clones");

    /// <summary>A program in the guest answers.</summary>
    public static Capability GuestAgent { get; } = new("guest-agent");

    /// <summary>A serial or text console can be opened.</summary>
    public static Capability SerialConsole { get; } = new("serial-console");

    /// <summary>A graphical console can be opened.</summary>
    public static Capability GraphicsConsole { get; } = new("graphics-console");

    /// <summary>Network counters per instance.</summary>
    public static Capability NetworkMetrics { get; } = new("network-metrics");

    /// <summary>The backend itself compares the revision when it changes something. Otherwise the driver does, and serialises its own writers only.</summary>
    public static Capability AtomicRevision { get; } = new("atomic-revision");

    /// <summary>No two instances of one scope have the same name.</summary>
    public static Capability UniqueNames { get; } = new("unique-names");

    /// <summary>Operation tokens can be resumed by another process.</summary>
    public static Capability ResumableOperations { get; } = new("resumable-operations");

    /// <summary>A request id can be looked up afterwards.</summary>
    public static Capability RequestLog { get; } = new("request-log");

    /// <summary>A volume may be open at two nodes while an instance moves.</summary>
    public static Capability MigrationHandover { get; } = new("migration-handover");

    /// <summary>Virtual machines boot by UEFI.</summary>
    public static Capability UefiFirmware { get; } = new("uefi-firmware");

    /// <summary>Virtual machines have a TPM.</summary>
    public static Capability Tpm { get; } = new("tpm");

    /// <summary>Instances are given cloud-init data.</summary>
    public static Capability CloudInit { get; } = new("cloud-init");
}
