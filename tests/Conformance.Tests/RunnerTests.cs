using Hypervisor.Sdk.Conformance.Tests.Lies;
using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Samples.ToyDriver;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>Whatever a driver does, the kit says so plainly and goes on.</summary>
public sealed class RunnerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_driver_that_hangs_fails_its_check_at_the_deadline_and_the_kit_goes_on()
    {
        using var released = new ManualResetEventSlim();
        await using var target = new ToyTarget();
        // It blocks a thread and heeds no token: the worst that a driver can do.
        var hanging = new LyingTarget(target, new Lie("LIFE-02", LieBase.Toy, "hangs", call =>
        {
            if (call.Method == "StartAsync")
                released.Wait(CancellationToken.None);
            return call.Next();
        }));
        await using var runner = new CheckRunner(hanging);
        var check = ConformanceChecks.Get("LIFE-02");
        var hung = await runner.RunAsync(new ConformanceCheck { Id = check.Id, Sentence = check.Sentence, Needs = check.Needs, Body = check.Body, Deadline = TimeSpan.FromMilliseconds(500) }, Token);
        released.Set();
        Assert.Equal((CheckOutcome.Failed, "The driver hangs: the check did not end within 0.5 s. It heeds no cancellation either."), (hung.Outcome, hung.Message));
        Assert.Equal(CheckOutcome.Passed, (await runner.RunAsync(ConformanceChecks.Get("LIFE-01"), Token)).Outcome);
    }

    [Feature("QA-18")]
    [Fact(Timeout = 60_000)]
    public async Task A_check_asks_again_until_the_answer_is_as_it_must_be_and_says_the_last_one_when_it_never_is()
    {
        await using var target = new ToyTarget();
        await using var runner = new CheckRunner(target);
        int asked = 0;
        var comes = new ConformanceCheck { Id = "TEST-01", Sentence = "It comes.", Body = c => c.EventuallyAsync("The third answer", () => Task.FromResult(++asked), answer => answer == 3) };
        Assert.Equal(CheckOutcome.Passed, (await runner.RunAsync(comes, Token)).Outcome);
        Assert.Equal(3, asked);
        var never = new ConformanceCheck { Id = "TEST-02", Sentence = "It never comes.", Body = c => c.EventuallyAsync("A fourth", () => Task.FromResult(3), answer => answer == 4), Deadline = TimeSpan.FromMilliseconds(300) };
        var result = await runner.RunAsync(never, Token);
        Assert.Equal((CheckOutcome.Failed, "A fourth never came to be; the last answer was '3'."), (result.Outcome, result.Message));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_foreign_exception_is_named()
    {
        var result = await RunAsync("LIFE-02", "throws what is none of the contract", call => call.Method == "StartAsync" ? throw new InvalidDataException("0x80004005") : call.Next());
        Assert.Equal("The driver threw System.IO.InvalidDataException, which is no exception of the contract (HypervisorException, ArgumentException, OperationCanceledException): 0x80004005", result.Message);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_cancellation_that_nobody_asked_for_and_misuse_that_is_none_are_named()
    {
        Assert.StartsWith("The driver threw an OperationCanceledException that nobody had asked for", (await RunAsync("LIFE-02", "gives up", call => call.Method == "StartAsync" ? throw new OperationCanceledException() : call.Next())).Message, StringComparison.Ordinal);
        Assert.StartsWith("The driver took a call for misuse that is none", (await RunAsync("LIFE-02", "blames the caller", call => call.Method == "StartAsync" ? throw new ArgumentException("id") : call.Next())).Message, StringComparison.Ordinal);
    }

    [Theory(Timeout = 120_000)]
    [InlineData("list throws", "LIFE-02", "Removing what an earlier run left failed. The driver threw System.NotImplementedException")]
    [InlineData("try-get throws", "LIFE-02", "The driver threw System.IO.InvalidDataException")]
    [InlineData("query hangs", "LIFE-12", "The driver hangs: the check did not end within")]
    [InlineData("query blocks", "LIFE-12", "The driver hangs: the check did not end within")]
    [InlineData("info throws", "LIFE-02", "Asking what is connected failed. The driver threw System.IO.InvalidDataException")]
    [InlineData("dispose hangs", null, null)]
    public async Task What_a_driver_does_between_the_checks_is_a_result_too(string trouble, string? check, string? words)
    {
        using var released = new ManualResetEventSlim();
        await using var target = new ToyTarget();
        var lying = new LyingTarget(target, new Lie("LIFE-02", LieBase.Toy, trouble, call => trouble == "list throws" && call.Method == "List" ? throw new NotImplementedException() : call.Next()));
        var runner = new CheckRunner(new Troubled(lying, trouble, released), new ConformanceOptions { Only = ["LIFE-02", "LIFE-12", "CONN-02"] });
        var report = await runner.RunAsync(cancellationToken: Token);
        await runner.DisposeAsync();
        released.Set();
        Assert.Equal(["CONN-02", "LIFE-02", "LIFE-12"], report.Results.Select(result => result.Id).Order(StringComparer.Ordinal));
        if (check is null)
            Assert.True(report.IsConformant, report.ToMarkdown());
        else
            Assert.Contains(report.Results, result => result.Outcome == CheckOutcome.Failed && result.Message!.Contains(words!, StringComparison.Ordinal));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_backend_that_gives_no_client_is_an_error_and_not_a_wait()
    {
        using var released = new ManualResetEventSlim();
        await using var target = new ToyTarget();
        await using (var runner = new CheckRunner(new Troubled(target, "connect hangs", released)))
            Assert.Equal("Connecting a client hangs, and heeds no cancellation.", (await Assert.ThrowsAsync<HypervisorException>(() => runner.RunAsync(cancellationToken: Token))).Message);
        released.Set();
        await using (var runner = new CheckRunner(new Troubled(target, "connect throws", released)))
            Assert.Contains("The driver threw System.IO.InvalidDataException", (await Assert.ThrowsAsync<HypervisorException>(() => runner.RunAsync(cancellationToken: Token))).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task What_cannot_be_removed_fails_the_check_that_made_it()
    {
        await using var target = new ToyTarget();
        var keeping = new LyingTarget(target, new Lie("LIFE-01", LieBase.Toy, "keeps what is to be deleted", call => call.Method == "DeleteAsync" ? throw Answers.Error(ErrorCode.Locked, "It is locked.") : call.Next()));
        await using (var runner = new CheckRunner(keeping))
        {
            var result = await runner.RunAsync(ConformanceChecks.Get("LIFE-01"), Token);
            Assert.Equal(CheckOutcome.Failed, result.Outcome);
            Assert.Matches("^Removing what the check made failed: The instance 'hvconf-life01-[0-9]+' cannot be removed: It is locked\\.$", result.Message);
        }

        // The next run removes it first, and what has another name it leaves alone.
        await using var client = await target.ConnectAsync(BackendName.Parse("x"), Token);
        var theirs = await client.Get<IHypervisor>().CreateAsync((VirtualMachineSpec)target.NewInstance(InstanceName.Parse("theirs"))!, null, Token).WaitForCompletionAsync(Token);
        await using (var runner = new CheckRunner(target, new ConformanceOptions { Only = ["CONN-02"] }))
            Assert.True((await runner.RunAsync(cancellationToken: Token)).IsConformant);
        Assert.Equal([theirs.Id], await client.Get<IHypervisor>().List().Select(instance => instance.Id).ToListAsync(Token));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_pool_that_a_killed_run_left_is_removed_with_what_it_holds_and_no_other()
    {
        await using var target = new SimulationTarget();
        await using var client = await target.ConnectAsync(BackendName.Parse("conformance"), Token);
        var (pools, storage) = (client.Get<IStoragePools>(), client.Get<IStorageBackend>());
        foreach (string name in new[] { "hvconf-stor17-1", "theirs" })
            await pools.CreatePoolAsync(new StoragePoolSpec { Name = PoolName.Parse(name) }, null, Token).WaitForCompletionAsync(Token);
        await storage.CreateAsync(new VolumeSpec { Name = "hvconf-stor17-2", Pool = PoolName.Parse("hvconf-stor17-1"), Size = ByteSize.FromMiB(1) }, null, Token).WaitForCompletionAsync(Token);
        await using (var runner = new CheckRunner(target, new ConformanceOptions { Only = ["CONN-02"] }))
            Assert.True((await runner.RunAsync(cancellationToken: Token)).IsConformant);
        var left = await storage.ListPoolsAsync(Token).Select(pool => pool.Name.ToString()).ToListAsync(Token);
        Assert.DoesNotContain("hvconf-stor17-1", left);
        Assert.Contains("theirs", left);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_check_that_is_skipped_without_a_written_reason_fails()
    {
        await using var target = new Silent();
        await using var runner = new CheckRunner(target);
        var result = await runner.RunAsync(ConformanceChecks.Get("REQ-09"), Token);
        Assert.Equal((CheckOutcome.Failed, "The target cannot do LoseReplies and writes no reason: override WhyNot."), (result.Outcome, result.Message));
    }

    [Fact]
    public void Every_feature_interface_and_every_capability_has_a_check()
    {
        var needs = ConformanceChecks.All.SelectMany(check => check.Needs).ToList();
        // Got from a backend, and not from the host; the experimental ones have no driver yet and may still change.
        Type[] others = [typeof(IBackend), typeof(IBackendFactory), typeof(IBackendRegistry), typeof(ICompute), typeof(ISpecExtension), typeof(ISecretProvider)];
        var services = typeof(IBackend).Assembly.GetExportedTypes().Where(type => type.IsInterface && !others.Contains(type) && !type.IsDefined(typeof(System.Diagnostics.CodeAnalysis.ExperimentalAttribute), false));
        Assert.Empty(services.Except(needs.Select(need => need.Service).OfType<Type>()).Select(type => type.Name));

        var known = typeof(Capability).GetProperties(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.Public).Select(property => (Capability)property.GetValue(null)!).ToList();
        Assert.Equal(known.Select(capability => capability.ToString()).Order(StringComparer.Ordinal), CapabilityChecks.KnownCapabilities().Select(capability => capability.ToString()).Order(StringComparer.Ordinal));
        Assert.Empty(known.Except(CapabilityChecks.Exercised));
    }

    [Fact]
    public void Ids_are_unique_and_sentences_are_sentences()
    {
        Assert.Equal(ConformanceChecks.All.Count, ConformanceChecks.All.Select(check => check.Id).Distinct().Count());
        Assert.All(ConformanceChecks.All, check => Assert.Matches(@"^[A-Z]+-[0-9]{2}$", check.Id));
        Assert.All(ConformanceChecks.All, check => Assert.EndsWith(".", check.Sentence, StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => ConformanceChecks.Get("NONE-01"));
    }

    private static async Task<CheckResult> RunAsync(string id, string what, Func<Call, object?> answer)
    {
        await using var target = new ToyTarget();
        await using var runner = new CheckRunner(new LyingTarget(target, new Lie(id, LieBase.Toy, what, answer)));
        return await runner.RunAsync(ConformanceChecks.Get(id), Token);
    }

    /// <summary>A target whose clients make trouble where no check looks.</summary>
    private sealed class Troubled(ConformanceTarget target, string trouble, ManualResetEventSlim released) : ConformanceTarget
    {
        public override string Name => target.Name;

        public override string Prefix => target.Prefix;

        public override double Patience => trouble.StartsWith("query", StringComparison.Ordinal) || trouble == "connect hangs" ? 0.05 : 1;

        public override async Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken)
        {
            if (trouble == "connect hangs")
                released.Wait(CancellationToken.None);
            if (trouble == "connect throws")
                throw new InvalidDataException("0x1");
            return new Client(await target.ConnectAsync(name, cancellationToken), trouble, released);
        }

        public override InstanceSpec? NewInstance(InstanceName name) => target.NewInstance(name);

        private sealed class Client(IBackend inner, string trouble, ManualResetEventSlim released) : IBackend
        {
            public BackendName Name => inner.Name;

            public BackendInfo Info => trouble == "info throws" ? throw new InvalidDataException("0x2") : inner.Info;

            public BackendConnectionState ConnectionState => inner.ConnectionState;

            public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged
            {
                add => inner.ConnectionChanged += value;
                remove => inner.ConnectionChanged -= value;
            }

            public bool TryGet<TService>([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TService? service)
                where TService : class => trouble == "try-get throws" ? throw new InvalidDataException("0x3") : inner.TryGet(out service);

            public async ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default)
            {
                if (trouble == "query blocks")
                    released.Wait(CancellationToken.None);
                if (trouble == "query hangs")
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                return await inner.QueryAsync(capability, target, cancellationToken);
            }

            public Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default) => inner.CheckHealthAsync(cancellationToken);

            public async ValueTask DisposeAsync()
            {
                if (trouble == "dispose hangs")
                    released.Wait(CancellationToken.None);
                await inner.DisposeAsync();
            }
        }
    }

    private sealed class Silent : ConformanceTarget
    {
        private readonly Uri _address = new("toy://silent-" + Guid.NewGuid().ToString("N"));

        public override string Name => "silent";

        public override Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => Task.FromResult<IBackend>(new ToyBackend(name, _address));

        public override InstanceSpec NewInstance(InstanceName name) => new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(16)) };
    }
}
