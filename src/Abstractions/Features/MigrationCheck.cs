namespace Hypervisor.Sdk;

/// <summary>Whether a move is possible.</summary>
public sealed class MigrationCheck
{
    /// <summary>What stands in the way, a sentence each.</summary>
    public required IReadOnlyList<string> Obstacles { get; init; }

    /// <summary>What stands in the way of a move that ends by post-copy (<see cref="MigrationOptions.PostCopyAfter"/>), a sentence each, beside <see cref="Obstacles"/>. Default: a sentence that says that nobody has said that it is possible.</summary>
    public IReadOnlyList<string> PostCopyObstacles { get; init; } = ["The backend does not say that it moves guests by post-copy."];

    /// <summary>Nothing does.</summary>
    public bool IsPossible => Obstacles.Count == 0;
}
