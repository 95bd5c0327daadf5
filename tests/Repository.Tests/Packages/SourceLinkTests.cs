using System.IO.Compression;

namespace Hypervisor.Sdk.Repository.Tests.Packages;

/// <summary>A debugger finds the sources where the clone's remote says that they are; a clone without a public remote builds all the same.</summary>
[Speed(SpeedAttribute.Slow)]
public sealed class SourceLinkTests
{
    private const string Project = "Hypervisor.Sdk.Transport";

    [Fact(Timeout = 240_000)]
    public async Task The_package_names_the_remote_of_its_clone_and_builds_without_one()
    {
        using var clone = new TempDirectory();
        await GitAsync(Checkout.Root, "clone", "--quiet", "--local", "--no-checkout", Checkout.Root, clone.Path);
        await GitAsync(clone.Path, "checkout", "--quiet", "HEAD");
        string commit = (await GitAsync(clone.Path, "rev-parse", "HEAD")).Trim();

        await GitAsync(clone.Path, "remote", "remove", "origin");
        Assert.DoesNotContain("url=", await PackAsync(clone, "none"), StringComparison.Ordinal);

        await GitAsync(clone.Path, "remote", "add", "origin", "https://github.com/example/hypervisor-sdk.git");
        Assert.Contains("url=\"https://github.com/example/hypervisor-sdk.git\"", await PackAsync(clone, "public"), StringComparison.Ordinal);
        string link = await File.ReadAllTextAsync(
            Assert.Single(Directory.EnumerateFiles(clone["artifacts/obj"], "*.sourcelink.json", SearchOption.AllDirectories)), TestContext.Current.CancellationToken);
        Assert.Contains($"https://raw.githubusercontent.com/example/hypervisor-sdk/{commit}/*", link, StringComparison.Ordinal);
    }

    private static Task<string> GitAsync(string folder, params string[] arguments) => Tool.RunAsync("git", ["-c", $"safe.directory={Checkout.Root}", .. arguments], folder);

    // The manifest's line about the repository.
    private static async Task<string> PackAsync(TempDirectory clone, string output)
    {
        await Tool.RunAsync("dotnet", ["pack", "src/Transport", "-verbosity:quiet", "-nologo", $"-p:PackageOutputPath={clone[output]}"], clone.Path);
        using var package = new PackageFile(ZipFile.OpenRead(Assert.Single(Directory.EnumerateFiles(clone[output], $"{Project}.*.nupkg"))));
        return Assert.Single(package.Nuspec.ToString().Split('\n'), line => line.Contains("<repository ", StringComparison.Ordinal));
    }
}
