namespace Hypervisor.Sdk.Hosts;

/// <summary>How a program ended, and what it wrote.</summary>
public sealed class HostResult
{
    /// <summary>Its exit code; 128 + n when signal n ended it, as shells say it.</summary>
    public required int ExitCode { get; init; }

    /// <summary>What it wrote to its standard output, from the beginning.</summary>
    public required ReadOnlyMemory<byte> Output { get; init; }

    /// <summary>What it wrote to its standard error, from the beginning.</summary>
    public required ReadOnlyMemory<byte> Error { get; init; }

    /// <summary>Whether it wrote more than was kept.</summary>
    public bool IsTruncated { get; init; }

    /// <summary>It exited with 0.</summary>
    public bool IsSuccess => ExitCode == 0;
}
