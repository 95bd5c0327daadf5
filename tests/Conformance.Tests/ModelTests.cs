using System.Collections.Concurrent;
using Hypervisor.Sdk.Conformance.Model;
using Hypervisor.Sdk.Conformance.Tests.Lies;
using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Samples.ToyDriver;

namespace Hypervisor.Sdk.Conformance.Tests;

public sealed class ModelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_failing_sequence_is_shrunk_to_the_shortest_and_printed_so_that_it_can_be_run_again()
    {
        await using var honest = new ToyTarget();
        var check = ConformanceChecks.Get("MODEL-01");
        var broken = new LyingTarget(honest, LieTable.All["MODEL-01"]);
        await using var runner = new CheckRunner(broken, new ConformanceOptions { Seed = 5, Sequences = 40 });
        string message = (await runner.RunAsync(check, Token)).Message!;
        Assert.Contains("of seed 5 fails; the shortest part of it that does is: create a; label a; restart a. At step 3, 'restart a': the label of 'a' is 0; it must be 1.", message, StringComparison.Ordinal);

        await using var again = new CheckRunner(broken, new ConformanceOptions { Sequence = "create a; label a; restart a" });
        Assert.Contains("The sequence given fails", (await again.RunAsync(check, Token)).Message, StringComparison.Ordinal);
        await using var repaired = new CheckRunner(honest, new ConformanceOptions { Sequence = "create a; label a; restart a" });
        Assert.Equal(CheckOutcome.Passed, (await repaired.RunAsync(check, Token)).Outcome);
    }

    [Fact(Timeout = 240_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_sequence_in_which_the_driver_hangs_is_shrunk_too_and_printed_with_its_seed()
    {
        await using var honest = new SimulationTarget();
        var labelled = new ConcurrentDictionary<InstanceId, bool>();
        // It restarts what was never changed, and waits for ever where it was.
        var hanging = new LyingTarget(honest, new Lie("MODEL-01", LieBase.Simulation, "hangs", call =>
        {
            if (call.Method == "ApplyAsync")
                labelled[((ChangePlan)call.Arguments[0]!).Instance.Id] = true;
            return call.Method == "RestartAsync" && labelled.ContainsKey((InstanceId)call.Arguments[0]!) ? WaitAsync((CancellationToken)call.Arguments[^1]!) : call.Next();
        }));
        await using var runner = new CheckRunner(new Hasty(hanging), new ConformanceOptions { Seed = 5, Sequences = 40 });
        string message = (await runner.RunAsync(ConformanceChecks.Get("MODEL-01"), Token)).Message!;
        Assert.Matches(@"number \d+ of seed 5 fails; the shortest part of it that does is: create a; (label|stale-plan) a; restart a\. At step 3, 'restart a': the driver hangs: it did not end within 4\.5 s\. Run it again", message);
        Assert.DoesNotContain("Removing", message, StringComparison.Ordinal);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_create_again_of_what_was_deleted_must_be_refused_as_a_conflict(bool isToy)
    {
        await using ConformanceTarget honest = isToy ? new ToyTarget() : new SimulationTarget();
        var check = ConformanceChecks.Get("MODEL-01");
        foreach (string sequence in new[] { "create a; delete a; create-again a", "create-again a; create a; create-again a" })
        {
            await using var runner = new CheckRunner(honest, new ConformanceOptions { Sequence = sequence });
            var result = await runner.RunAsync(check, Token);
            Assert.True(result.Outcome == CheckOutcome.Passed, result.Message);
        }

        // Whoever makes it anew is found.
        var forgetful = new LyingTarget(honest, new Lie("MODEL-01", LieBase.Simulation, "forgets requests", call => call.Method == "CreateAsync" ? call.NextWithout(nameof(RequestOptions.RequestId)) : call.Next()));
        await using var broken = new CheckRunner(forgetful, new ConformanceOptions { Sequence = "create a; delete a; create-again a" });
        string message = (await broken.RunAsync(check, Token)).Message!;
        Assert.Contains("The sequence given fails; the shortest part of it that does is: create a; delete a; create-again a. At step 3", message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_failure_is_not_shrunk_to_a_failure_of_another_kind()
    {
        await using var honest = new ToyTarget();
        // It restarts nothing that is off, and forgets the labels of what runs.
        var broken = new LyingTarget(honest, new Lie("MODEL-01", LieBase.Toy, "restarts badly", call => call.Method == "RestartAsync" ? RestartBadlyAsync(call) : call.Next()));
        await using var runner = new CheckRunner(broken, new ConformanceOptions { Sequence = "create b; create a; label a; start a; restart a; stop b" });
        string message = (await runner.RunAsync(ConformanceChecks.Get("MODEL-01"), Token)).Message!;
        Assert.Contains("the shortest part of it that does is: create a; label a; start a; restart a. At step 4, 'restart a': the label of 'a' is 0; it must be 1.", message, StringComparison.Ordinal);
    }

    private static async Task<Operation<Instance>> RestartBadlyAsync(Call call)
    {
        if ((await call.Hypervisor.GetAsync(call.Id)).State == PowerState.Stopped)
            throw Answers.Error(ErrorCode.InvalidState);
        var restarted = await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
        if (!restarted.Labels.ContainsKey("times"))
            return Answers.Done(restarted);
        var change = new InstanceChange();
        change.Labels["times"] = null;
        return Answers.Done(await call.Hypervisor.ChangeAsync(restarted.Id, change).WaitForCompletionAsync());
    }

    private static async Task<Operation<Instance>> WaitAsync(CancellationToken token)
    {
        var never = new TaskCompletionSource<Operation<Instance>>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = token.Register(() => never.TrySetCanceled(token));
        return await never.Task;
    }

    [Fact]
    public void The_same_seed_gives_the_same_sequences_and_their_text_is_read_back()
    {
        ModelOperation[] operations = [.. Enum.GetValues<ModelOperation>().Where(operation => operation != ModelOperation.Crash)];
        var first = new SequenceGenerator(7);
        var second = new SequenceGenerator(7);
        for (int i = 0; i < 20; i++)
        {
            var sequence = first.Next(30, operations);
            Assert.Equal(sequence, second.Next(30, operations));
            Assert.Equal(sequence, ModelStep.Parse(ModelStep.Print(sequence)));
        }

        Assert.NotEqual(first.Next(30, operations), new SequenceGenerator(8).Next(30, operations));
        // Written down: a seed in a report of years ago still means the same.
        Assert.Equal("create b; create c; stale-plan c", ModelStep.Print(new SequenceGenerator(1).Next(3, operations)));
        Assert.Throws<FormatException>(() => ModelStep.Parse("create a; fly b"));
    }

    [Fact]
    public async Task The_shrinker_finds_the_steps_that_matter_and_no_others()
    {
        var long_ = ModelStep.Parse("create b; start b; create a; pause b; label a; stop b; label c; reset a; delete b; create c");
        int runs = 0;
        var shortest = await SequenceShrinker.ShrinkAsync(long_, sequence =>
        {
            runs++;
            var b = sequence.Where(step => step.Slot == sequence[0].Slot).Select(step => step.Operation).ToList();
            return Task.FromResult(b.IndexOf(ModelOperation.Pause) >= 0 && b.IndexOf(ModelOperation.Delete) > b.IndexOf(ModelOperation.Pause));
        });
        Assert.Equal("pause a; delete a", ModelStep.Print(shortest));
        Assert.InRange(runs, 1, 60);
    }

    private sealed class Hasty(ConformanceTarget target) : ConformanceTarget
    {
        public override string Name => target.Name;

        public override double Patience => 0.15;

        public override PoolName? Pool => target.Pool;

        public override Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => target.ConnectAsync(name, cancellationToken);

        public override InstanceSpec? NewInstance(InstanceName name) => target.NewInstance(name);
    }
}
