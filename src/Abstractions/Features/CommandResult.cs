namespace Hypervisor.Sdk;

/// <summary>What a command left behind.</summary>
public sealed class CommandResult
{
    /// <summary>Its exit code; null when a signal ended it.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The signal that ended it; null when none did.</summary>
    public SignalName? Signal { get; init; }

    /// <summary>What it wrote to its standard output.</summary>
    public required ReadOnlyMemory<byte> Output { get; init; }

    /// <summary>What it wrote to its standard error.</summary>
    public required ReadOnlyMemory<byte> Error { get; init; }

    /// <summary>Whether it wrote more than was kept.</summary>
    public bool IsTruncated { get; init; }

    /// <summary>It exited with 0.</summary>
    public bool IsSuccess => ExitCode == 0;
}
