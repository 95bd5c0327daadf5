using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// The UEFI firmware that this host has, by the descriptors that its packages install for QEMU (docs/interop/firmware.json of QEMU's sources): JSON files in <c>/etc/qemu/firmware</c> and
/// <c>/usr/share/qemu/firmware</c>, taken in the order of their names; one in an earlier directory stands for those of its name in later ones, and an empty one takes them away.
/// </summary>
/// <param name="Executable">The firmware proper: a raw file, mapped read only.</param>
/// <param name="Variables">What a machine's own variables begin as: a raw file.</param>
/// <param name="Features">The descriptor's words for what it does.</param>
[SupportedOSPlatform("linux")]
internal sealed record UefiFirmware(string Executable, string Variables, IReadOnlySet<string> Features)
{
    private const int MaxDescriptorBytes = 64 << 10;
    private const string SecureBoot = "secure-boot";
    private const string EnrolledKeys = "enrolled-keys";
    private const string RequiresSmm = "requires-smm";

    private static readonly string[] s_directories = ["/etc/qemu/firmware", "/usr/share/qemu/firmware"];

    /// <summary>Whether it must be kept from the guest by system management mode, which only some machine types have.</summary>
    public bool NeedsSmm => Features.Contains(RequiresSmm);

    /// <summary>Finds the first one that fits; null where there is none.</summary>
    /// <param name="options">Whose <see cref="QemuOptions.FirmwareDirectories"/> are looked in first.</param>
    /// <param name="architecture">The architecture, in QEMU's words.</param>
    /// <param name="machineType">The machine type.</param>
    /// <param name="isSecure">Whether it checks signatures.</param>
    /// <param name="withKeys">Whether a firmware that checks signatures must come with keys.</param>
    public static UefiFirmware? Find(QemuOptions options, string architecture, string machineType, bool isSecure, bool withKeys) => Descriptors(options)
        .Select(path => Read(path, architecture, machineType)).OfType<UefiFirmware>()
        .FirstOrDefault(firmware => isSecure
            ? firmware.Features.Contains(SecureBoot) && (!withKeys || firmware.Features.Contains(EnrolledKeys))
            : !firmware.NeedsSmm && !firmware.Features.Contains(EnrolledKeys));

    /// <summary>Whether a file is the firmware of one of this host's descriptors.</summary>
    public static bool IsKnown(QemuOptions options, string architecture, string machineType, string executable) =>
        Descriptors(options).Select(path => Read(path, architecture, machineType)).Any(firmware => firmware?.Executable == executable);

    private static IEnumerable<string> Descriptors(QemuOptions options)
    {
        var known = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string directory in options.FirmwareDirectories.Select(directory => Path.Combine(directory, "firmware")).Concat(s_directories).Where(Directory.Exists))
        {
            foreach (string path in Directory.EnumerateFiles(directory, "*.json"))
                known.TryAdd(Path.GetFileName(path), path);
        }

        return known.Values.Where(path => new FileInfo(path).Length is > 0 and <= MaxDescriptorBytes);
    }

    /// <summary>A descriptor's firmware; null when it is for other machines, or of a kind that is not used here.</summary>
    private static UefiFirmware? Read(string path, string architecture, string machineType)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = document.RootElement;
            var mapping = root.GetProperty("mapping");
            if (!Words(root, "interface-types").Contains("uefi") || mapping.GetProperty("device").GetString() != "flash" || !mapping.TryGetProperty("nvram-template", out var variables))
                return null;
            bool fits = root.GetProperty("targets").EnumerateArray().Any(target => target.GetProperty("architecture").GetString() == architecture && Words(target, "machines").Any(pattern => Fits(pattern, machineType)));
            return fits && FileOf(mapping.GetProperty("executable")) is { } executable && FileOf(variables) is { } template
                ? new UefiFirmware(executable, template, Words(root, "features").ToHashSet(StringComparer.Ordinal))
                : null;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            // One that is broken, or of a form that is not known here, describes nothing that could be used.
            return null;
        }
    }

    private static IEnumerable<string> Words(JsonElement element, string property) =>
        element.TryGetProperty(property, out var words) ? words.EnumerateArray().Select(word => word.GetString()).OfType<string>() : [];

    private static string? FileOf(JsonElement file) =>
        file.GetProperty("format").GetString() == "raw" && file.GetProperty("filename").GetString() is { } path && Path.IsPathFullyQualified(path) && File.Exists(path) ? path : null;

    /// <summary>Descriptors name the versions of machine types (<c>pc-q35-*</c>); the names without a version stand for the newest.</summary>
    private static bool Fits(string pattern, string machineType)
    {
        string versioned = machineType switch { "pc" => "pc-i440fx-0", "q35" => "pc-q35-0", "virt" => "virt-0", _ => machineType };
        return pattern.EndsWith('*') ? versioned.StartsWith(pattern[..^1], StringComparison.Ordinal) : versioned == pattern;
    }
}
