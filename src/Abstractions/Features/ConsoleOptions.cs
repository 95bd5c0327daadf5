namespace Hypervisor.Sdk;

/// <summary>How to open a console.</summary>
public sealed class ConsoleOptions
{
    /// <summary>Whether a session that has it open is closed; otherwise opening fails. Default false.</summary>
    public bool TakeOver { get; init; }

    /// <summary>How much of what was printed before is sent first. Default: nothing.</summary>
    public ByteSize ReplayTail { get; init; }
}
