using System.Reflection;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Repository.Tests;

/// <summary>A project under src/: one folder, one assembly, one package, all three of the same name.</summary>
internal sealed class ShippedProject
{
    private ShippedProject(string path)
    {
        Path = path;
        Name = System.IO.Path.GetFileNameWithoutExtension(path);
    }

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<ShippedProject> All { get; } =
        [.. Directory.EnumerateFiles(Checkout.PathOf("src"), "*.csproj", SearchOption.AllDirectories).Select(path => new ShippedProject(path)).OrderBy(project => project.Name, StringComparer.Ordinal)];

    /// <summary>Their names, for a theory.</summary>
    public static TheoryData<string> Names { get; } = [.. All.Select(project => project.Name)];

    /// <summary>The full path of the project file.</summary>
    public string Path { get; }

    /// <summary>The name of the project, the assembly and the package.</summary>
    public string Name { get; }

    /// <summary>The folder of the project.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>The assembly, as these tests were built against it.</summary>
    public Assembly Assembly => Assembly.Load(Name);

    public static ShippedProject Of(string name) => All.Single(project => project.Name == name);

    /// <summary>The names of the projects that the project file references.</summary>
    public IEnumerable<string> ProjectReferences() =>
        XDocument.Load(Path).Descendants("ProjectReference").Select(reference => System.IO.Path.GetFileNameWithoutExtension(((string)reference.Attribute("Include")!).Replace('\\', '/')));

    public override string ToString() => Name;
}
