using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>What the server says of itself before anything is asked.</summary>
internal sealed class QmpGreeting
{
    public QmpGreeting(ref Utf8JsonReader r)
    {
        for (r.Open(); r.NextMember();)
        {
            if (r.Is("version"u8))
                VersionInfo = new VersionInfo(ref r);
            else if (r.Is("capabilities"u8))
                Capabilities = r.List(static (ref Utf8JsonReader r) => r.Word<QMPCapability>());
            else
                r.SkipMember();
        }

        if (VersionInfo is null)
            throw new QapiFormatException("the greeting has no version");
        Version = new Version(Part(VersionInfo.Qemu.Major), Part(VersionInfo.Qemu.Minor), Part(VersionInfo.Qemu.Micro));
    }

    public VersionInfo VersionInfo { get; } = null!;

    public Version Version { get; }

    public IReadOnlyList<QMPCapability> Capabilities { get; } = [];

    private static int Part(long number) => number is >= 0 and <= int.MaxValue ? (int)number : throw new QapiFormatException($"the version has the part {number}");
}
