namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>Where programs are.</summary>
internal static class ProgramPath
{
    /// <summary>A program by its path, or by its name in PATH; null where there is none.</summary>
    public static string? TryFind(string name)
    {
        string[] candidates = name.Contains('/')
            ? [Path.GetFullPath(name)]
            : [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Where(Path.IsPathRooted).Select(directory => Path.Combine(directory, name))];
        return candidates.FirstOrDefault(File.Exists);
    }
}
