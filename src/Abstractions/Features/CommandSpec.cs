namespace Hypervisor.Sdk;

/// <summary>A command in a guest.</summary>
public sealed class CommandSpec
{
    /// <summary>The program and its arguments, as a list: no shell reads them.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Whether it gets a terminal. Default false.</summary>
    public bool Terminal { get; init; }

    /// <summary>As which user, where the backend can choose. Default: its own default.</summary>
    public string? User { get; init; }

    /// <summary>In which directory, where the backend can choose. Default: its own default.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Environment variables. Default: none beside the guest's own.</summary>
    public IReadOnlyDictionary<string, SecretOrText> Environment { get; init; } = new Dictionary<string, SecretOrText>();

    /// <summary>How much of each output is kept; what comes after is dropped and <see cref="CommandResult.IsTruncated"/> set. Default 1 MiB.</summary>
    public int MaxOutputBytes { get; init; } = 1 << 20;
}
