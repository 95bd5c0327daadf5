using System.IO.Compression;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Repository.Tests.Packages;

/// <summary>All packages, packed once per test run into artifacts/package: a feed for a consumer, and files to look into.</summary>
public sealed class PackedPackages : IAsyncLifetime
{
    /// <summary>The folder, which is a NuGet feed.</summary>
    public string Feed { get; } = Checkout.PathOf("artifacts", "package");

    /// <inheritdoc />
    public async ValueTask InitializeAsync()
    {
        if (Directory.Exists(Feed))
            Directory.Delete(Feed, recursive: true);
        await Tool.RunAsync("dotnet", ["msbuild", "eng/Pack.proj", "-m", "-verbosity:quiet", "-nologo"], Checkout.Root);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The package of a project, <c>.nupkg</c> or <c>.snupkg</c>; fails the test where there is not exactly one.</summary>
    internal PackageFile Open(string project, string extension = ".nupkg") =>
        new(ZipFile.OpenRead(Assert.Single(Directory.EnumerateFiles(Feed, $"{project}.*{extension}"), path => char.IsAsciiDigit(Path.GetFileName(path)[project.Length + 1]))));
}

/// <summary>The test classes that look at the packages share one run of packing.</summary>
[CollectionDefinition(Name)]
public sealed class PackagesGroup : ICollectionFixture<PackedPackages>
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "packages";
}
