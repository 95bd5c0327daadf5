using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Observation;

/// <summary>The files in the image directories, by what their names say; nothing is opened.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuImageList(QemuServices services) : IImages
{
    private static readonly EnumerationOptions s_thisDirectory = new() { AttributesToSkip = FileAttributes.Hidden | FileAttributes.ReparsePoint | FileAttributes.System, IgnoreInaccessible = true };

    public async IAsyncEnumerable<Image> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (string directory in services.Options.ImageDirectories.Where(Directory.Exists))
        {
            foreach (var file in new DirectoryInfo(directory).EnumerateFiles("*", s_thisDirectory).OrderBy(file => file.Name, StringComparer.Ordinal))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var (kind, format) = KindOf(file.Name);
                if (kind is not null)
                    yield return new Image { Id = file.FullName, Name = file.Name, Kind = kind, Format = format, Size = new ByteSize(file.Length), Architecture = kind == "disk" ? null : Architecture.X64 };
            }
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    private static (string? Kind, string? Format) KindOf(string name)
    {
        string extension = Path.GetExtension(name).ToLowerInvariant();
        return extension switch
        {
            ".qcow2" => ("disk", "qcow2"),
            ".img" or ".raw" => ("disk", "raw"),
            ".iso" => ("iso", "raw"),
            _ when name.StartsWith("vmlinu", StringComparison.Ordinal) || name.StartsWith("bzImage", StringComparison.Ordinal) => ("kernel", null),
            _ when name.StartsWith("initrd", StringComparison.Ordinal) || name.StartsWith("initramfs", StringComparison.Ordinal) => ("initrd", null),
            _ => (null, null),
        };
    }
}
