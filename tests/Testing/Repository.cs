using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Testing;

/// <summary>Where the checkout is that these tests were built from.</summary>
public static class Repository
{
    /// <summary>The root folder, with Hypervisor.Sdk.sln in it.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path beneath the root.</summary>
    public static string PathOf(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot([CallerFilePath] string thisFile = "")
    {
        for (string? directory = Path.GetDirectoryName(thisFile); directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "Hypervisor.Sdk.sln")))
                return directory;
        }

        throw new DirectoryNotFoundException($"No Hypervisor.Sdk.sln above {thisFile}.");
    }
}
