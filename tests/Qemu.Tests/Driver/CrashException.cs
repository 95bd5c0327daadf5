namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Stands for the end of the process: nothing in the driver catches it.</summary>
internal sealed class CrashException(string effect) : Exception($"The process ended before '{effect}'.");
