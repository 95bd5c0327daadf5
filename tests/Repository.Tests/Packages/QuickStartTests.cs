using System.Text.Json;

namespace Hypervisor.Sdk.Repository.Tests.Packages;

/// <summary>The first program that somebody writes with the packages: from the README, built outside of this repository against nothing but the packages.</summary>
[Collection(PackagesGroup.Name)]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class QuickStartTests(PackedPackages packages)
{
    [Fact(Timeout = 300_000)]
    public async Task A_consumer_of_the_packages_builds_and_runs_the_quick_start()
    {
        RealPeer.Program("qemu-system-x86_64");
        var guest = await GuestImage.GetAsync(TestContext.Current.CancellationToken);
        using var folder = new TempDirectory();
        foreach (string file in new[] { "QuickStart.csproj", "Program.cs" })
            File.Copy(Checkout.PathOf("samples", "QuickStart", file), folder[file]);
        // The feed stands beside the sources that this user has configured. The packages go to a folder of their own: nothing stale can be taken for them.
        await File.WriteAllTextAsync(folder["nuget.config"], $"""
            <configuration>
              <packageSources>
                <add key="packed" value="{packages.Feed}" />
              </packageSources>
            </configuration>
            """, TestContext.Current.CancellationToken);
        var environment = new Dictionary<string, string> { ["NUGET_PACKAGES"] = folder["packages"], ["TreatWarningsAsErrors"] = "true" };
        await Tool.RunAsync("dotnet", ["build", "-c", "Release", "-o", folder["out"], "-verbosity:quiet", "-nologo"], folder.Path, environment);

        Assert.Equal(ShippedPackagesOf(folder["obj/project.assets.json"]), TakenFrom(folder["packages"]));
        string output = await Tool.RunAsync(folder["out/QuickStart"], [guest.DirectoryPath], folder.Path);
        Assert.Contains(GuestImage.ReadyText, output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> ShippedPackagesOf(string assets)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(assets));
        var packages = document.RootElement.GetProperty("libraries").EnumerateObject().Where(library => library.Value.GetProperty("type").GetString() == "package")
            .Select(library => library.Name.Split('/')[0]).Where(name => ShippedProject.All.Any(project => project.Name == name)).Order(StringComparer.OrdinalIgnoreCase).ToList();
        Assert.NotEmpty(packages);
        return packages.Select(name => name.ToLowerInvariant());
    }

    // What was unpacked, and that it came from the feed.
    private IEnumerable<string> TakenFrom(string folder) =>
        Directory.EnumerateDirectories(folder, "hypervisor.sdk*").Order(StringComparer.OrdinalIgnoreCase).Select(directory =>
        {
            using var metadata = JsonDocument.Parse(File.ReadAllBytes(Assert.Single(Directory.EnumerateFiles(directory, ".nupkg.metadata", SearchOption.AllDirectories))));
            Assert.Equal(packages.Feed, metadata.RootElement.GetProperty("source").GetString());
            return Path.GetFileName(directory);
        });
}
