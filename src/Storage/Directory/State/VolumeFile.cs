using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>How files, volumes and ids are called: <c>pool/web1.qcow2</c> is the file <c>web1.qcow2</c> of the pool, the volume <c>web1</c>, of the format that the ending states.</summary>
internal static class VolumeFile
{
    /// <summary>The ending of the second file under work, of which the first is made.</summary>
    public const string SourceEnding = ".source";

    private const string Qcow2Ending = "." + ImageFormat.Qcow2;
    private const string RawEnding = "." + ImageFormat.Raw;

    /// <summary>Whether a file is a volume by its name.</summary>
    public static bool IsOne(string file) => file.Length > 0 && file[0] != '.' && !file.Contains('/') && !file.Any(char.IsControl) && NameOf(file).Length > 0 && NameOf(file).Length < file.Length;

    public static string FormatOf(string file) => file.EndsWith(Qcow2Ending, StringComparison.Ordinal) ? ImageFormat.Qcow2 : ImageFormat.Raw;

    public static string NameOf(string file) =>
        file.EndsWith(Qcow2Ending, StringComparison.Ordinal) ? file[..^Qcow2Ending.Length] : file.EndsWith(RawEnding, StringComparison.Ordinal) ? file[..^RawEnding.Length] : file;

    public static string Of(string name, string format) => $"{name}.{format}";

    public static VolumeId IdOf(PoolName pool, string file) => VolumeId.Parse($"{pool}/{file}");

    /// <summary>Takes an id apart.</summary>
    public static bool TryParse(VolumeId id, out PoolName pool, [NotNullWhen(true)] out string? file)
    {
        string text = id.ToString();
        int slash = text.IndexOf('/');
        file = text[(slash + 1)..];
        pool = default;
        return slash > 0 && PoolName.TryParse(text.AsSpan(0, slash), null, out pool) && IsOne(file);
    }

    /// <summary>The file of a volume that is to be made.</summary>
    /// <param name="name">What the caller wants it to be called; null for any name.</param>
    /// <param name="format">The format.</param>
    /// <param name="request">The request: a name that is made up is made of its id, so that asking again names the same.</param>
    /// <exception cref="HypervisorException">The name is not acceptable.</exception>
    public static string ForNew(string? name, string format, RequestId request)
    {
        if (!ImageFormat.IsKnown(format))
            throw Unacceptable(nameof(VolumeSpec.Format), $"'{format}' is not a format of volumes here: '{ImageFormat.Qcow2}' or '{ImageFormat.Raw}'.");
        name ??= $"volume-{request.ToGuid():N}";
        if (!DirectoryStorageOptions.VolumeNames.Accepts(name, out string? problem))
            throw Unacceptable(nameof(VolumeSpec.Name), problem);
        if (NameOf(name) != name)
            throw Unacceptable(nameof(VolumeSpec.Name), $"The name '{name}' ends like a format. Leave that out: it is added.");
        return Of(name, format);
    }

    public static HypervisorException Unacceptable(string field, string problem) =>
        new(problem, ErrorCode.InvalidArgument, RequestOutcome.Rejected) { FieldErrors = new Dictionary<string, string> { [field] = problem } };
}
