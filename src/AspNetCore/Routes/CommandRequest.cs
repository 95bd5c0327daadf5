namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A command to run in a guest: the program and its arguments, and text for its standard input.</summary>
internal sealed class CommandRequest
{
    public required IReadOnlyList<string> Command { get; init; }

    public string? Input { get; init; }

    public string? User { get; init; }

    public string? WorkingDirectory { get; init; }
}
