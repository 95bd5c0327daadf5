using System.Xml.Linq;

namespace Hypervisor.Sdk.Repository.Tests.Packages;

/// <summary>What a shipped package's manifest has to say, and may not.</summary>
internal static class PackageRules
{
    /// <summary>The packages of others that Directory.Packages.props lists as shipped, with their versions.</summary>
    public static IReadOnlyDictionary<string, string> ShippedVersions { get; } =
        XDocument.Load(Checkout.PathOf("Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(version => (string)version.Attribute("Include")!, version => (string)version.Attribute("Version")!, StringComparer.Ordinal);

    /// <summary>What is wrong with the manifest of <paramref name="project"/>, a line each.</summary>
    public static IEnumerable<string> Violations(string project, XDocument nuspec)
    {
        var metadata = nuspec.Root!.Elements().Single(element => element.Name.LocalName == "metadata");
        string? Text(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;

        if (Text("id") != project)
            yield return $"the id is {Text("id")}";
        if (Text("license") != "Apache-2.0")
            yield return $"the licence is '{Text("license")}' and not Apache-2.0";
        if (Text("readme") != "README.md")
            yield return "no README";
        if (Text("description") is not { Length: > 40 } description || description == "Package Description")
            yield return "no description";
        if (metadata.Elements().SingleOrDefault(element => element.Name.LocalName == "repository") is not { } repository
            || (string?)repository.Attribute("type") != "git" || (string?)repository.Attribute("commit") is not { Length: 40 })
        {
            yield return "no repository commit";
        }

        foreach (var dependency in metadata.Descendants().Where(element => element.Name.LocalName == "dependency"))
        {
            string id = (string)dependency.Attribute("id")!, version = (string)dependency.Attribute("version")!;
            bool ours = ShippedProject.All.Any(shipped => shipped.Name == id);
            if (ours && !Arrows.Beneath(project).Contains(id))
                yield return $"depends on {id}, which does not lie beneath it";
            else if (ours && version != Text("version"))
                yield return $"depends on {id} {version} and is itself {Text("version")}";
            else if (!ours && !ShippedVersions.ContainsKey(id))
                yield return $"depends on {id}, which Directory.Packages.props does not list as shipped";
            else if (!ours && ShippedVersions[id] != version)
                yield return $"depends on {id} {version}; Directory.Packages.props says {ShippedVersions[id]}";
            else if (!ours && !Arrows.IsInterfacesOfExtensions(id) && !Arrows.IsDatabaseOfStore(project, id))
                yield return $"depends on {id}, which is more than interfaces and options";
        }
    }
}
