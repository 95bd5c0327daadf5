namespace Hypervisor.Sdk;

/// <summary>Whether a move is possible.</summary>
public sealed class MigrationCheck
{
    /// <summary>What stands in the way, a sentence each.</summary>
    public required IReadOnlyList<string> Obstacles { get; init; }

    /// <summary>Nothing does.</summary>
    public bool IsPossible => Obstacles.Count == 0;
}
