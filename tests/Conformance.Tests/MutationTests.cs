using Hypervisor.Sdk.Conformance.Tests.Lies;
using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Qemu;
using Hypervisor.Sdk.Samples.ToyDriver;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>Each check is worth something: it passes an honest driver, and finds the one that breaks its sentence.</summary>
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class MutationTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public static TheoryData<int, string> FurtherLies => [.. LieTable.Further.Select((lie, index) => (index, $"{lie.Check} {lie.What}"))];

    public static TheoryData<string> Checks => [.. ConformanceChecks.All.Select(check => check.Id)];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_lie_is_for_a_check_that_there_is() => Assert.Empty(LieTable.All.Keys.Concat(LieTable.Further.Select(lie => lie.Check)).Except(ConformanceChecks.All.Select(check => check.Id)));

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Checks))]
    public async Task The_check_passes_an_honest_driver_and_finds_the_one_that_breaks_its_sentence(string id)
    {
        Assert.True(LieTable.All.TryGetValue(id, out var lie), $"No driver is written that breaks the sentence of {id}: add one to {nameof(LieTable)}.");
        using var directory = new TempDirectory();
        var options = new ConformanceOptions { IncludeLong = true, Sequences = 2 };
        var check = ConformanceChecks.Get(id);
        await using var honest = await CreateAsync(lie.Base, directory);
        await using (var runner = new CheckRunner(honest, options))
        {
            var passed = await runner.RunAsync(check, Token);
            Assert.True(passed.Outcome == CheckOutcome.Passed, $"The honest driver: {passed.Outcome} {passed.Message}");
        }

        await IsFoundAsync(check, lie, honest, options);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(FurtherLies))]
    public async Task The_check_finds_the_driver_that_breaks_its_sentence_in_another_way(int index, string what)
    {
        var lie = LieTable.Further[index];
        Assert.StartsWith(lie.Check, what, StringComparison.Ordinal);
        using var directory = new TempDirectory();
        await using var honest = await CreateAsync(lie.Base, directory);
        await IsFoundAsync(ConformanceChecks.Get(lie.Check), lie, honest, new ConformanceOptions { IncludeLong = true });
    }

    private static async Task IsFoundAsync(ConformanceCheck check, Lie lie, ConformanceTarget honest, ConformanceOptions options)
    {
        try
        {
            await using var runner = new CheckRunner(new LyingTarget(honest, lie), options);
            var found = await runner.RunAsync(Hasty(check), Token);
            Assert.True(found.Outcome == CheckOutcome.Failed, $"A driver that {lie.What} is not found: {found.Outcome} {found.Message}");
            Assert.False(string.IsNullOrWhiteSpace(found.Message));
            TestContext.Current.TestOutputHelper?.WriteLine($"{check.Id} {lie.What}: {found.Message}");
        }
        finally
        {
            await using var client = await honest.ConnectAsync(BackendName.Parse("conformance"), CancellationToken.None);
            await Leftovers.RemoveAsync(client, honest, honest.Prefix, CancellationToken.None);
        }
    }

    /// <summary>A driver that lies may never say what the check waits for: it need not be waited for as long as an honest one.</summary>
    private static ConformanceCheck Hasty(ConformanceCheck check) =>
        new() { Id = check.Id, Sentence = check.Sentence, Needs = check.Needs, IsMandatory = check.IsMandatory, IsLong = check.IsLong, Body = check.Body, Deadline = check.IsLong ? check.Deadline : s_patience };

    private static async Task<ConformanceTarget> CreateAsync(LieBase @base, TempDirectory directory)
    {
        switch (@base)
        {
            case LieBase.Toy:
                return new ToyTarget();
            case LieBase.Featured:
                return new FeaturedTarget();
            case LieBase.Simulation:
                return new SimulationTarget();
            case LieBase.Containers:
                return new SimulationTarget(InstanceKind.Container);
            case LieBase.Directory:
                RealPeer.Program("qemu-img");
                return new DirectoryTarget(Directory.CreateDirectory(directory["pool"]).FullName, Directory.CreateDirectory(directory["pools"]).FullName);
            default:
                RealPeer.Program("qemu-system-x86_64");
                return await QemuTarget.CreateAsync(() => new QemuOptions { StateDirectory = directory["state"], RuntimeDirectory = directory["run"], Accelerator = QemuAccelerator.Tcg }, cancellationToken: Token);
        }
    }
}
