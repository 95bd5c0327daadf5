using System.Globalization;
using Hypervisor.Sdk.Conformance.Model;

namespace Hypervisor.Sdk.Conformance;

/// <summary>MODEL: generated sequences of operations against a reference model.</summary>
internal static class ModelChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "MODEL-01", Sentence = "Whatever is done in whatever order, each step succeeds or is refused as the contract says, and leaves every instance in the state that the contract says.", Needs = [CheckNeed.Compute, CheckNeed.Can(Capability.UniqueNames)], Deadline = TimeSpan.FromMinutes(5), Body = Sequences },
    ];

    private static async Task Sequences(CheckContext c)
    {
        if (c.Options.Sequence is { } text)
        {
            await RunAsync(c, ModelStep.Parse(text), "given").ConfigureAwait(false);
            return;
        }

        var generator = new SequenceGenerator(c.Options.Seed);
        var operations = ModelRun.OperationsOf(c.Backend);
        for (int i = 0; i < c.Options.Sequences; i++)
            await RunAsync(c, generator.Next(c.Options.SequenceSteps, operations), string.Create(CultureInfo.InvariantCulture, $"number {i + 1} of seed {c.Options.Seed}")).ConfigureAwait(false);
    }

    private static async Task RunAsync(CheckContext c, IReadOnlyList<ModelStep> sequence, string which)
    {
        if (await ModelRun.DifferenceAsync(c, sequence).ConfigureAwait(false) is not { } difference)
            return;
        var shortest = await SequenceShrinker.ShrinkAsync(sequence, async shorter => await ModelRun.DifferenceAsync(c, shorter).ConfigureAwait(false) is not null).ConfigureAwait(false);
        // What it is about is said of the sequence that is printed, and not of the longer one.
        difference = await ModelRun.DifferenceAsync(c, shortest).ConfigureAwait(false) ?? difference + " (and not every time)";
        c.Require(false, $"The sequence {which} fails; the shortest part of it that does is: {ModelStep.Print(shortest)}. At {difference}. Run it again with --sequence \"{ModelStep.Print(shortest)}\" --only MODEL-01.");
    }
}
