namespace Hypervisor.Sdk.Drivers.Tests;

public sealed class RequestLedgerTests
{
    private static readonly InstanceId s_id = InstanceId.Parse("web");
    private readonly RequestLedger _ledger = new(keptRequests: 2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_id_again_is_the_same_operation_and_another_effect_under_it_is_refused()
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        int times = 0;
        var first = await BeginAsync("start", request, () => times++);
        var second = await BeginAsync("start", request, () => times++);
        Assert.Same(first, second);
        Assert.Equal(1, await first.WaitAsync(Token));
        Assert.Equal(RequestState.Succeeded, (await _ledger.LookUpAsync(request.RequestId!.Value, Token)).State);
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => BeginAsync("stop", request, () => times++))).Code);
        Assert.Equal(1, times);
    }

    [Fact]
    public async Task What_failed_may_be_tried_again_and_is_looked_up_as_failed_until_then()
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        var failed = await _ledger.BeginAsync<int>("start", request, TimeSpan.FromMinutes(1), () => s_id, (_, _) => throw new IOException("no"), Token);
        Assert.Equal((ErrorCode.Unspecified, RequestOutcome.FailedMidway), Of(await Assert.ThrowsAsync<HypervisorException>(() => failed.WaitAsync(Token))));
        Assert.Equal(RequestState.Failed, (await _ledger.LookUpAsync(request.RequestId!.Value, Token)).State);
        await (await BeginAsync("start", request, () => { })).WaitAsync(Token);
        Assert.Equal(RequestState.Succeeded, (await _ledger.LookUpAsync(request.RequestId.Value, Token)).State);
    }

    [Fact]
    public async Task What_is_refused_is_not_remembered_and_what_is_forgotten_has_expired()
    {
        await Assert.ThrowsAsync<HypervisorException>(() => _ledger.BeginAsync("start", null, TimeSpan.FromMinutes(1), () => throw Refusal.NotFound(s_id), (_, _) => Task.FromResult(1), Token));
        Assert.Equal(RequestState.NeverSeen, (await _ledger.LookUpAsync(RequestId.New(), Token)).State);
        var first = new RequestOptions { RequestId = RequestId.New() };
        await (await BeginAsync("start", first, () => { })).WaitAsync(Token);
        for (int i = 0; i < 2; i++)
            await (await BeginAsync("start", null, () => { })).WaitAsync(Token);
        Assert.Equal(RequestState.Expired, (await _ledger.LookUpAsync(first.RequestId!.Value, Token)).State);
    }

    [Fact]
    public async Task Work_that_outlasts_its_deadline_times_out_and_work_that_is_cancelled_says_so()
    {
        var late = await _ledger.BeginAsync<int>("wait", new RequestOptions { Deadline = TimeSpan.FromMilliseconds(1) }, TimeSpan.FromMinutes(1), () => s_id, Forever, Token);
        Assert.Equal(ErrorCode.Timeout, (await Assert.ThrowsAsync<HypervisorException>(() => late.WaitAsync(Token))).Code);
        var cancelled = await _ledger.BeginAsync<int>("wait", null, TimeSpan.FromMinutes(1), () => s_id, Forever, Token);
        Assert.True(await cancelled.TryCancelAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => cancelled.WaitAsync(Token))).Code);
        Assert.Equal(OperationState.Cancelled, (await cancelled.GetProgressAsync(Token)).State);

        static async Task<int> Forever(WorkProgress progress, CancellationToken token)
        {
            await Task.Delay(Timeout.Infinite, token);
            return 0;
        }
    }

    private static (ErrorCode, RequestOutcome) Of(HypervisorException error) => (error.Code, error.Outcome);

    private Task<Operation<int>> BeginAsync(string kind, RequestOptions? request, Action work) => _ledger.BeginAsync(
        kind, request, TimeSpan.FromMinutes(1), () => s_id,
        (_, _) =>
        {
            work();
            return Task.FromResult(1);
        }, Token);
}
