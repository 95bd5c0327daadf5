namespace Hypervisor.Sdk;

/// <summary>Says what the backend itself would lock, so that a scheduler can wait instead of failing.</summary>
public interface ILaneHints
{
    /// <summary>The lanes that a piece of work needs.</summary>
    ValueTask<IReadOnlyList<LaneClaim>> GetClaimsAsync(LaneQuery query, CancellationToken cancellationToken = default);
}
