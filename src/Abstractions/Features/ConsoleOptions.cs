namespace Hypervisor.Sdk;

/// <summary>How to open a console.</summary>
public sealed class ConsoleOptions
{
    /// <summary>Whether a session that has it open is closed; otherwise opening fails. Default false.</summary>
    public bool TakeOver { get; init; }

    /// <summary>Which of the console's ports: 0 is the first, whose output is kept (<see cref="ISerialConsole.OpenLogAsync"/>). One that the instance does not have is refused (<see cref="ErrorCode.NotFound"/>). Default 0.</summary>
    public int Port { get; init; }

    /// <summary>How much of what was printed before is sent first; a port other than the first keeps nothing. Default: nothing.</summary>
    public ByteSize ReplayTail { get; init; }
}
