namespace Hypervisor.Sdk;

/// <summary><see cref="ILaneHints"/>, each call through the pipeline.</summary>
internal sealed class LaneHintsCalls(ILaneHints inner, CallPipeline calls) : ILaneHints
{
    public ValueTask<IReadOnlyList<LaneClaim>> GetClaimsAsync(LaneQuery query, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("laneHints.getClaims", null, null, false), (inner, query), static (s, token) => s.inner.GetClaimsAsync(s.query, token), cancellationToken);
}
