using System.Runtime.InteropServices;
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
        var guest = await PrepareAsync();
        using var folder = new TempDirectory();
        await BuildAsync(folder, "build");

        Assert.Equal(ShippedPackagesOf(folder["obj/project.assets.json"]), TakenFrom(folder["packages"]));
        string output = await Tool.RunAsync(folder["out/QuickStart"], [guest.DirectoryPath], folder.Path);
        Assert.Contains(GuestImage.ReadyText, output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 300_000)]
    public async Task Published_trimmed_and_self_contained_without_a_warning_the_quick_start_runs_where_there_is_no_runtime()
    {
        var guest = await PrepareAsync();
        using var folder = new TempDirectory();
        await BuildAsync(folder, "publish", "--self-contained", "-r", $"linux-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}", "-p:PublishTrimmed=true", "-p:TrimmerSingleWarn=false");

        // Trimmed: of the framework only what is used was taken along, and of our own assemblies not all of the code.
        Assert.True(File.Exists(folder["out/libcoreclr.so"]), "The runtime is beside the program.");
        string package = Assert.Single(Directory.EnumerateFiles(folder["packages/hypervisor.sdk.qemu"], "Hypervisor.Sdk.Qemu.dll", SearchOption.AllDirectories));
        Assert.InRange(new FileInfo(folder["out/Hypervisor.Sdk.Qemu.dll"]).Length, 1, new FileInfo(package).Length - 1);
        string output = await Tool.RunAsync(folder["out/QuickStart"], [guest.DirectoryPath], folder.Path, new Dictionary<string, string> { ["DOTNET_ROOT"] = folder["nowhere"], ["DOTNET_ROOT_X64"] = folder["nowhere"] });
        Assert.Contains(GuestImage.ReadyText, output, StringComparison.Ordinal);
    }

    private static async Task<GuestImage> PrepareAsync()
    {
        RealPeer.Program("qemu-system-x86_64");
        return await GuestImage.GetAsync(TestContext.Current.CancellationToken);
    }

    private async Task BuildAsync(TempDirectory folder, string verb, params string[] more)
    {
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
        await Tool.RunAsync("dotnet", [verb, "-c", "Release", "-o", folder["out"], "-verbosity:quiet", "-nologo", .. more], folder.Path, environment);
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
