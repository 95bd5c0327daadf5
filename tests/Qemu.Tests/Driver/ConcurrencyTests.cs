using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ConcurrencyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Two_creates_of_one_name_at_once_make_one_machine_and_one_AlreadyExists()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var second = await lab.ConnectAsync(null, null, first.Services.Host);
        for (int round = 0; round < 10; round++)
        {
            string name = $"web{round}";
            var outcomes = await Task.WhenAll(new[] { first, second, first, second }.Select(backend => Task.Run(() => TryCreateAsync(backend, name, RequestId.New()), Token)));
            Assert.Single(outcomes, outcome => outcome.Instance is not null);
            Assert.All(outcomes.Where(outcome => outcome.Instance is null), outcome => Assert.Equal(ErrorCode.AlreadyExists, outcome.Error!.Code));
        }

        Assert.Equal(10, (await ListAsync(first)).Count);
        await CrashPoints.AssertNothingOrphanedAsync(lab, second);
    }

    [Fact(Timeout = 120_000)]
    public async Task Two_creates_of_one_request_at_once_make_one_machine()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var second = await lab.ConnectAsync(null, null, first.Services.Host);
        for (int round = 0; round < 5; round++)
        {
            var request = RequestId.New();
            var outcomes = await Task.WhenAll(new[] { first, second, first, second }.Select(backend => Task.Run(() => TryCreateAsync(backend, $"web{round}", request), Token)));
            Assert.All(outcomes, outcome => Assert.Null(outcome.Error));
            Assert.Single(outcomes.Select(outcome => outcome.Instance!.Incarnation).Distinct());
        }

        Assert.Equal(5, (await ListAsync(first)).Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_request_that_is_carried_out_is_not_taken_for_another_one()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var first = await hypervisor.CreateAsync(QemuLab.EmptySpec("first"), null, Token).WaitForCompletionAsync(Token);
        var second = await hypervisor.CreateAsync(QemuLab.EmptySpec("second"), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(first.Id, null, Token).WaitForCompletionAsync(Token);
        var request = new RequestOptions { RequestId = RequestId.New() };
        // A BIOS that finds nothing to boot does not hear the power button.
        var stopping = await hypervisor.StopAsync(first.Id, new StopOptions { GracePeriod = TimeSpan.FromMinutes(2) }, request, Token);

        var kind = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IPausing>().PauseAsync(first.Id, request, Token));
        var machine = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StopAsync(second.Id, null, request, Token));
        Assert.All([kind, machine], error => Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.Rejected), (error.Code, error.Outcome)));
        Assert.Contains($"'stop' of '{first.Id}' before and cannot be 'stop' of '{second.Id}'", machine.Message, StringComparison.Ordinal);
        Assert.Same(stopping, await hypervisor.StopAsync(first.Id, null, request, Token));
        Assert.True(await stopping.TryCancelAsync(Token));
        await Assert.ThrowsAsync<HypervisorException>(() => stopping.WaitAsync(Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_request_is_carried_out_once_and_can_be_looked_up_from_another_process_also_after_the_machine_is_gone()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var hypervisor = first.Get<IHypervisor>();
        var create = RequestId.New();
        var start = RequestId.New();
        var delete = RequestId.New();
        var never = RequestId.New();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), new RequestOptions { RequestId = create }, Token).WaitForCompletionAsync(Token);
        var starting = await hypervisor.StartAsync(created.Id, new RequestOptions { RequestId = start }, Token);
        await starting.WaitAsync(Token);
        await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);

        // The same start again is the one that has been: the machine stays off.
        await hypervisor.StartAsync(created.Id, new RequestOptions { RequestId = start }, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Stopped, (await hypervisor.GetAsync(created.Id, Token)).State);
        var reused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StopAsync(created.Id, null, new RequestOptions { RequestId = start }, Token));
        Assert.Equal(ErrorCode.InvalidArgument, reused.Code);

        var second = await lab.ConnectAsync(null, null, first.Services.Host);
        var log = second.Get<IRequestLog>();
        Assert.Equal(RequestState.Succeeded, (await log.LookUpAsync(create, Token)).State);
        Assert.Equal(created.Id, (await log.LookUpAsync(start, Token)).Instance);
        Assert.Equal(RequestState.NeverSeen, (await log.LookUpAsync(never, Token)).State);
        var resumed = await second.Get<IOperations>().ResumeAsync(OperationToken.Parse(starting.Token.ToString()!), Token);
        Assert.Equal(OperationState.Succeeded, (await resumed!.GetProgressAsync(Token)).State);
        Assert.Equal(start, resumed.RequestId);

        await second.Get<IHypervisor>().DeleteAsync(created.Id, null, new RequestOptions { RequestId = delete }, Token).WaitForCompletionAsync(Token);
        Assert.Equal(RequestState.Succeeded, (await first.Get<IRequestLog>().LookUpAsync(delete, Token)).State);
        Assert.Equal(RequestState.Succeeded, (await first.Get<IRequestLog>().LookUpAsync(create, Token)).State);
        await first.Get<IHypervisor>().DeleteAsync(created.Id, null, new RequestOptions { RequestId = delete }, Token).WaitForCompletionAsync(Token);
        var remade = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(QemuLab.EmptySpec("web"), new RequestOptions { RequestId = create }, Token));
        Assert.Equal(ErrorCode.Conflict, remade.Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_request_that_the_journal_has_forgotten_is_not_said_to_be_never_seen()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var log = backend.Get<IRequestLog>();
        var create = RequestId.New();
        var created = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), new RequestOptions { RequestId = create }, Token).WaitForCompletionAsync(Token);
        var unused = RequestId.New();
        Assert.Equal(RequestState.NeverSeen, (await log.LookUpAsync(unused, Token)).State);

        var journal = backend.Services.State.ReadJournal(created.Id.ToString());
        while (journal.Find(create) is not null)
            journal.End(journal.Begin("pause", RequestId.New(), DateTimeOffset.UtcNow), "succeeded", DateTimeOffset.UtcNow);
        Assert.Equal(RequestState.Expired, (await log.LookUpAsync(create, Token)).State);
        Assert.Equal(RequestState.Expired, (await log.LookUpAsync(unused, Token)).State);
        Assert.Equal(RequestState.NeverSeen, (await log.LookUpAsync(RequestId.New(), Token)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_revision_an_incarnation_and_a_fencing_token_are_compared()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await ConflictAsync(new RequestOptions { IfRevision = Revision.Parse("99") });
        await ConflictAsync(new RequestOptions { IfIncarnation = Incarnation.Parse(Guid.NewGuid().ToString()) });
        await hypervisor.StopAsync(created.Id, null, new RequestOptions { FencingToken = 7, IfRevision = created.Revision, IfIncarnation = created.Incarnation }, Token).WaitForCompletionAsync(Token);
        await ConflictAsync(new RequestOptions { FencingToken = 6 });
        await hypervisor.StopAsync(created.Id, null, new RequestOptions { FencingToken = 7 }, Token).WaitForCompletionAsync(Token);

        async Task ConflictAsync(RequestOptions request) =>
            Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StopAsync(created.Id, null, request, Token))).Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task Two_backends_on_one_directory_see_and_change_each_others_machines()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var second = await lab.ConnectAsync(null, null, first.Services.Host);
        var created = await first.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await first.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);

        Assert.Equal(PowerState.Running, (await second.Get<IHypervisor>().GetAsync(created.Id, Token)).State);
        await second.Get<IPausing>().PauseAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Paused, (await second.Get<IHypervisor>().GetAsync(created.Id, Token)).State);
        await first.Get<IPausing>().ResumeAsync(created.Id, null, Token).WaitForCompletionAsync(Token);

        // The second ends it; the first, which watches, hears of that as of an orderly end.
        await using var events = await first.Get<IHypervisor>().WatchAsync(null, Token);
        await second.Get<IHypervisor>().StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await FaultTests.NextStateAsync(events, PowerState.Stopped);
        Assert.Equal(PowerState.Stopped, (await first.Get<IHypervisor>().GetAsync(created.Id, Token)).State);
    }

    private static async Task<(Instance? Instance, HypervisorException? Error)> TryCreateAsync(QemuBackend backend, string name, RequestId request)
    {
        try
        {
            return (await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec(name), new RequestOptions { RequestId = request }, Token).WaitForCompletionAsync(Token), null);
        }
        catch (HypervisorException error)
        {
            return (null, error);
        }
    }

    private static async Task<List<Instance>> ListAsync(QemuBackend backend)
    {
        var found = new List<Instance>();
        await foreach (var instance in backend.Get<IHypervisor>().List())
            found.Add(instance);
        return found;
    }
}
