using Xunit;

namespace Hypervisor.Sdk.Testing;

/// <summary>What a test does when the real program that it needs is not on this machine: it skips with the reason on a laptop and fails in CI.</summary>
public static class RealPeer
{
    /// <summary>True in continuous integration (<c>CI=true</c>), where nothing may be skipped for want of a peer.</summary>
    public static bool MustBePresent { get; } = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>The full path of a program on PATH; skips the test, or fails it in CI, when there is none.</summary>
    public static string Program(string name)
    {
        if (FindProgram(name) is { } path)
            return path;
        Absent($"the program '{name}' is not on PATH");
        return "";
    }

    /// <summary>The full path of a program on PATH, or null.</summary>
    public static string? FindProgram(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Concat(["/usr/sbin", "/sbin"]).Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);

    /// <summary>Skips the running test with the reason, or fails it where peers must be present.</summary>
    public static void Absent(string reason)
    {
        if (MustBePresent)
            Assert.Fail($"A real peer is missing where none may be: {reason}.");
        Assert.Skip($"{reason}; ./test installs it on Debian when it runs as root");
    }
}
