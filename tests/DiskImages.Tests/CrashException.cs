namespace Hypervisor.Sdk.DiskImages.Tests;

/// <summary>The process is dead.</summary>
internal sealed class CrashException : Exception;
