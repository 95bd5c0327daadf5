using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="ILaneHints"/> over there.</summary>
internal sealed class RemoteLaneHints(RemoteCalls calls) : ILaneHints
{
    public async ValueTask<IReadOnlyList<LaneClaim>> GetClaimsAsync(LaneQuery query, CancellationToken cancellationToken = default) =>
        await calls.Ask("lanes.getClaims").With(query).ReadAsync(static values => values.Rest<LaneClaim>(), cancellationToken).ConfigureAwait(false);

    public static void Serve(ServiceRoutes<ILaneHints> routes) => routes
        .Add("getClaims", static async (lanes, call) =>
        {
            var claims = call.Write();
            foreach (var claim in await lanes.GetClaimsAsync(call.Next<LaneQuery>(), call.Token).ConfigureAwait(false))
                claims.Add(claim);
            return claims.ToBytes();
        });
}
