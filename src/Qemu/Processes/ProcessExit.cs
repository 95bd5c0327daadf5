namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>How a process ended.</summary>
/// <param name="Code">Its exit code; null when a signal ended it.</param>
/// <param name="Signal">The signal that ended it.</param>
internal sealed record ProcessExit(int? Code, int? Signal)
{
    public override string ToString() => Signal is { } signal ? $"ended by signal {signal}" : $"exited with code {Code}";
}
