namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>The lanes of a job: its own, and those that the backends name to which it does something.</summary>
internal static class WorkLanes
{
    public static async ValueTask<IReadOnlyList<LaneClaim>> AskAsync(IReadOnlyList<LaneClaim> own, IEnumerable<BackendWork> work, CancellationToken cancellationToken)
    {
        List<LaneClaim>? all = null;
        foreach (var one in work)
        {
            all ??= [.. own];
            foreach (var claim in await ClaimsAsync(one, cancellationToken).ConfigureAwait(false))
            {
                var key = LaneKey.Parse($"{one.Backend.Name}/{claim.Key}");
                int there = all.FindIndex(lane => lane.Key == key);
                if (there < 0)
                    all.Add(With(key, claim));
                else
                    all[there] = Strictest(all[there], claim);
            }
        }

        return all ?? own;
    }

    private static ValueTask<IReadOnlyList<LaneClaim>> ClaimsAsync(BackendWork work, CancellationToken cancellationToken)
    {
        if (work.Backend.TryGet<ILaneHints>(out var hints))
            return hints.GetClaimsAsync(work.Query, cancellationToken);
        return new([.. new[] { work.Query.Instance, work.Query.Source }.OfType<InstanceId>().Distinct().Select(id => new LaneClaim { Key = LaneKey.Parse($"instance:{id}"), Mode = LaneMode.Exclusive })]);
    }

    private static LaneClaim With(LaneKey key, LaneClaim claim) => new() { Key = key, Mode = claim.Mode, Weight = claim.Weight, Capacity = claim.Capacity };

    private static LaneClaim Strictest(LaneClaim one, LaneClaim other) => new()
    {
        Key = one.Key,
        Mode = one.Mode == LaneMode.Exclusive ? one.Mode : other.Mode,
        Weight = Math.Max(one.Weight, other.Weight),
        Capacity = one.Capacity is { } a && other.Capacity is { } b ? Math.Min(a, b) : one.Capacity ?? other.Capacity,
    };
}
