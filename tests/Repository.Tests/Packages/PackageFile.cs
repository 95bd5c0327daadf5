using System.IO.Compression;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Repository.Tests.Packages;

/// <summary>A package, opened.</summary>
internal sealed class PackageFile(ZipArchive archive) : IDisposable
{
    /// <summary>The paths in it.</summary>
    public IEnumerable<string> Paths => archive.Entries.Select(entry => entry.FullName);

    /// <summary>Its manifest.</summary>
    public XDocument Nuspec => XDocument.Parse(Read(Assert.Single(Paths, path => path.EndsWith(".nuspec", StringComparison.Ordinal))));

    public string Read(string path)
    {
        using var reader = new StreamReader(archive.GetEntry(path)!.Open());
        return reader.ReadToEnd();
    }

    public byte[] ReadBytes(string path)
    {
        using var stream = archive.GetEntry(path)!.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    public void Dispose() => archive.Dispose();
}
