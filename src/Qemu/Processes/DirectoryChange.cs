namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>Something that happened in a directory.</summary>
/// <param name="Name">The entry; null when notes were lost and everything may have happened.</param>
/// <param name="IsClose">Whether a file that was open for writing was closed; else it was written to, touched or removed.</param>
internal readonly record struct DirectoryChange(string? Name, bool IsClose);
