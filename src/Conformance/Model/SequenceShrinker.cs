namespace Hypervisor.Sdk.Conformance.Model;

/// <summary>Finds the shortest part of a failing sequence that fails too.</summary>
internal static class SequenceShrinker
{
    /// <summary>Leaves out steps, in larger and smaller runs, as long as what is left fails; then brings what is left to the first instances.</summary>
    /// <param name="failing">A sequence that fails.</param>
    /// <param name="fails">Runs a sequence and says whether it fails.</param>
    public static async Task<IReadOnlyList<ModelStep>> ShrinkAsync(IReadOnlyList<ModelStep> failing, Func<IReadOnlyList<ModelStep>, Task<bool>> fails)
    {
        var shortest = failing.ToList();
        for (int run = Math.Max(1, shortest.Count / 2); run >= 1;)
        {
            bool isShorter = false;
            for (int at = 0; at < shortest.Count && shortest.Count > 1;)
            {
                var without = shortest[..at].Concat(shortest.Skip(at + run)).ToList();
                if (without.Count > 0 && without.Count < shortest.Count && await fails(without).ConfigureAwait(false))
                {
                    shortest = without;
                    isShorter = true;
                }
                else
                {
                    at += run;
                }
            }

            if (run == 1 && !isShorter)
                break;
            run = isShorter ? Math.Max(1, Math.Min(run, shortest.Count / 2)) : run / 2;
        }

        var slots = shortest.Select(step => step.Slot).Distinct().ToList();
        var renamed = shortest.Select(step => step with { Slot = slots.IndexOf(step.Slot) }).ToList();
        return renamed.SequenceEqual(shortest) || await fails(renamed).ConfigureAwait(false) ? renamed : shortest;
    }
}
