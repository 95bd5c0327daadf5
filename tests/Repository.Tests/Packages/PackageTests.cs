using System.Reflection.Metadata;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Repository.Tests.Packages;

/// <summary>What is in the packages, and what their manifests promise.</summary>
[Collection(PackagesGroup.Name)]
[Speed(SpeedAttribute.Slow)]
public sealed class PackageTests(PackedPackages packages)
{
    public static TheoryData<string> Projects => ShippedProject.Names;

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_manifest_keeps_the_rules(string project)
    {
        using var package = packages.Open(project);
        Assert.Empty(PackageRules.Violations(project, package.Nuspec));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_package_holds_the_library_its_documentation_and_a_readme(string project)
    {
        using var package = packages.Open(project);
        Assert.Contains($"lib/net10.0/{project}.dll", package.Paths);
        Assert.Contains($"lib/net10.0/{project}.xml", package.Paths);
        Assert.StartsWith($"# {project}\n", package.Read("README.md").ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.True(package.Read("README.md").Length > 80, "The README says nothing.");
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_symbols_lie_beside(string project)
    {
        using var symbols = packages.Open(project, ".snupkg");
        byte[] bytes = symbols.ReadBytes($"lib/net10.0/{project}.pdb");
        using var provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(bytes));
        Assert.NotEmpty(provider.GetMetadataReader().Documents);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Package_validation_is_on(string project)
    {
        Assert.Equal("true", XDocument.Load(Checkout.PathOf("src", "Directory.Build.props")).Descendants("EnablePackageValidation").Single().Value);
        Assert.Empty(XDocument.Load(ShippedProject.Of(project).Path).Descendants("EnablePackageValidation"));
    }

    [Theory]
    [InlineData("<dependency id='xunit.v3.assert' version='3.2.2' />", "depends on xunit.v3.assert, which Directory.Packages.props does not list as shipped")]
    [InlineData("<dependency id='Microsoft.Extensions.Options' version='9.0.0' />", "depends on Microsoft.Extensions.Options 9.0.0; Directory.Packages.props says")]
    [InlineData("<dependency id='Hypervisor.Sdk.Qemu' version='0.1.0' />", "depends on Hypervisor.Sdk.Qemu, which does not lie beneath it")]
    [InlineData("<dependency id='Hypervisor.Sdk.Abstractions' version='0.0.9' />", "depends on Hypervisor.Sdk.Abstractions 0.0.9 and is itself 0.1.0")]
    public void The_rules_refuse_a_dependency_that_should_not_ship(string dependency, string violation)
    {
        string manifest = $"""
            <package><metadata><id>Hypervisor.Sdk</id><version>0.1.0</version><license>Apache-2.0</license><readme>README.md</readme>
            <description>A description that is long enough to be one, for once.</description><repository type="git" commit="{new string('0', 40)}" />
            <dependencies><group>{dependency}</group></dependencies></metadata></package>
            """;
        Assert.StartsWith(violation, Assert.Single(PackageRules.Violations("Hypervisor.Sdk", XDocument.Parse(manifest))), StringComparison.Ordinal);
    }

    [Fact]
    public void The_rules_refuse_a_manifest_that_says_nothing() =>
        Assert.Equal(5, PackageRules.Violations("Hypervisor.Sdk", XDocument.Parse("<package><metadata><id>Other</id></metadata></package>")).Count());
}
