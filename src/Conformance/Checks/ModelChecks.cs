using System.Globalization;
using Hypervisor.Sdk.Conformance.Model;

namespace Hypervisor.Sdk.Conformance;

/// <summary>MODEL: generated sequences of operations against a reference model.</summary>
internal static class ModelChecks
{
    /// <summary>How long a step may take, times the patience of the target, before the driver is said to hang.</summary>
    private static readonly TimeSpan s_stepDeadline = TimeSpan.FromSeconds(30);

    /// <summary>How long a client that hangs is waited for before it is left alone.</summary>
    private static readonly TimeSpan s_letGoDeadline = TimeSpan.FromSeconds(5);

    /// <summary>The part of that time that a step has while the shortest sequence is looked for that hangs.</summary>
    private const int HastyShare = 5;

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
        var deadline = s_stepDeadline * c.Target.Patience;
        var shortest = sequence;
        ModelDifference? difference = null;
        try
        {
            difference = await DifferenceAsync(c, sequence, deadline).ConfigureAwait(false);
            if (difference is null)
                return;
            var (_, kind, hangs) = difference;
            shortest = await SequenceShrinker.ShrinkAsync(sequence, async shorter =>
            {
                // One that hangs is not waited for as long each time; the shortest is, once more.
                bool fails = await DifferenceAsync(c, shorter, hangs ? deadline / HastyShare : deadline).ConfigureAwait(false) is { } found && found.Kind == kind;
                shortest = fails ? shorter : shortest;
                return fails;
            }).ConfigureAwait(false);
            // What it is about is said of the sequence that is printed, and not of the longer one.
            var again = await DifferenceAsync(c, shortest, deadline).ConfigureAwait(false) is { } last && last.Kind == kind ? last : null;
            if (again is null && hangs)
                shortest = sequence;
            difference = again ?? difference with { What = difference.What + " (and not every time)" };
        }
        catch (OperationCanceledException) when (c.Token.IsCancellationRequested)
        {
            string text = ModelStep.Print(shortest);
            throw new CheckFailedException(difference is null
                ? $"The time of the check was over at the sequence {which}: {text}. Run it alone with --sequence \"{text}\" --only MODEL-01."
                : $"The sequence {which} fails, and there was no time to find the shortest part of it that does; so far it is: {text}. At {difference.What}. Run it again with --sequence \"{text}\" --only MODEL-01.");
        }

        c.Require(false, $"The sequence {which} fails; the shortest part of it that does is: {ModelStep.Print(shortest)}. At {difference.What}. Run it again with --sequence \"{ModelStep.Print(shortest)}\" --only MODEL-01.");
    }

    /// <summary>Runs a sequence on a client of its own: one that hangs is of no more use, and the check's own removes what is left.</summary>
    private static async Task<ModelDifference?> DifferenceAsync(CheckContext c, IReadOnlyList<ModelStep> sequence, TimeSpan stepDeadline)
    {
        var client = await c.Target.ConnectAsync(c.Backend.Name, c.Token).ConfigureAwait(false);
        try
        {
            return await ModelRun.DifferenceAsync(c, client, sequence, stepDeadline).ConfigureAwait(false);
        }
        finally
        {
            using var patience = new CancellationTokenSource(s_letGoDeadline);
            await MayHang.RunAsync(() => client.DisposeAsync().AsTask(), patience.Token).ConfigureAwait(false);
        }
    }
}
