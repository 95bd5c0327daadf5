using System.Threading.Channels;

namespace Hypervisor.Sdk.Remote.Tests;

/// <summary>A connection that ends: at any byte, and what becomes of what was under way on it.</summary>
public sealed class LostWayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task A_way_that_dies_at_any_byte_leaves_one_instance_and_outcomes_that_are_true()
    {
        await using var datacenter = new SimulatedDatacenter();
        await using var link = await Link.OpenAsync(_ => datacenter.Connect());
        var client = link.Client.Get<IHypervisor>();
        var log = link.Client.Get<IRequestLog>();
        var outcomes = new HashSet<RequestOutcome?>();
        int number = 0;
        // Each frame of a create, in both directions, is cut at its beginning, in its length, in its head, and one byte before its end.
        for (int frame = 0; frame < 8; frame++)
        {
            foreach (int at in (int[])[0, 3, 9, -1])
            {
                await link.Client.CheckHealthAsync(Token);
                int left = frame;
                bool isCut = false;
                link.Way.Passing = (_, bytes) =>
                {
                    if (isCut || Interlocked.Decrement(ref left) >= 0)
                        return bytes.Length;
                    isCut = true;
                    return at < 0 ? bytes.Length + at : at;
                };
                var request = new RequestOptions { RequestId = RequestId.New() };
                var spec = Spec($"cut-{number++}");
                var error = await FailureOfAsync(() => client.CreateAsync(spec, request, Token).WaitForCompletionAsync(Token));
                link.Way.Passing = null;
                outcomes.Add(error?.Outcome);
                var found = await log.LookUpAsync(request.RequestId!.Value, Token);
                if (error is null)
                    Assert.Equal(RequestState.Succeeded, found.State);
                else if (error.Outcome == RequestOutcome.NotSent)
                    Assert.Equal(RequestState.NeverSeen, found.State);
                else
                    Assert.Equal(RequestOutcome.Unknown, error.Outcome);
                // Once more under the same id: there is one, whatever had become of the first.
                var made = await client.CreateAsync(spec, request, Token).WaitForCompletionAsync(Token);
                Assert.Equal(spec.Name.ToString(), made.Name);
                Assert.Equal(number, (await client.List().GetPageAsync(null, 500, Token)).Items.Count);
            }
        }

        Assert.Contains(RequestOutcome.Unknown, outcomes);
        Assert.Contains((RequestOutcome?)null, outcomes);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_read_on_a_lost_connection_changed_nothing_and_the_next_call_connects_again()
    {
        await using var datacenter = new SimulatedDatacenter();
        await using var link = await Link.OpenAsync(_ => datacenter.Connect());
        var states = Channel.CreateBounded<BackendConnectionState>(32);
        link.Client.ConnectionChanged += (_, changed) => states.Writer.TryWrite(changed.To);
        link.Way.Passing = (isToServer, frame) => isToServer ? frame.Length : 0;
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => link.Client.Get<IHypervisor>().FindAsync(InstanceId.Parse("x"), Token));
        link.Way.Passing = null;
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.Rejected, true), (error.Code, error.Outcome, error.IsTransient));
        Assert.Null(await link.Client.Get<IHypervisor>().FindAsync(InstanceId.Parse("x"), Token));
        var seen = new List<BackendConnectionState>();
        while (!seen.Contains(BackendConnectionState.Connected))
            seen.Add(await states.Reader.ReadAsync(Token));
        Assert.Equal(BackendConnectionState.Connected, link.Client.ConnectionState);
        Assert.True(link.Way.Connections >= 2);
    }

    [Fact(Timeout = 60_000)]
    public async Task Work_is_found_again_by_its_token_when_its_connection_was_lost()
    {
        await using var datacenter = new SimulatedDatacenter();
        await using var link = await Link.OpenAsync(_ => datacenter.Connect());
        var client = link.Client.Get<IHypervisor>();
        var create = await client.CreateAsync(Spec("found"), null, Token);
        Assert.NotNull(create.Token);
        link.Way.Cut();
        Assert.Equal("found", (await create.WaitAsync(Token)).Name);
        Assert.Equal(OperationState.Succeeded, (await create.GetProgressAsync(Token)).State);
    }

    [Fact(Timeout = 60_000)]
    public async Task Nothing_that_is_closed_waits_for_ever()
    {
        await using var datacenter = new SimulatedDatacenter();
        var link = await Link.OpenAsync(_ => datacenter.Connect());
        var client = link.Client.Get<IHypervisor>();
        await using var subscription = await client.WatchAsync(null, Token);
        await link.DisposeAsync();
        Assert.Equal(BackendConnectionState.Closed, link.Client.ConnectionState);
        Assert.Empty(await subscription.ToListAsync(Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.FindAsync(InstanceId.Parse("x"), Token));
        Assert.False((await link.Client.CheckHealthAsync(Token)).IsHealthy);
    }

    [Fact(Timeout = 60_000)]
    public async Task Work_that_nobody_waits_for_is_not_kept_for_ever()
    {
        await using var datacenter = new SimulatedDatacenter();
        await using var link = await Link.OpenAsync(_ => datacenter.Connect());
        var client = link.Client.Get<IHypervisor>();
        var made = await client.CreateAsync(Spec("busy"), null, Token).WaitForCompletionAsync(Token);
        // More than there may be calls under way: those that are forgotten end by themselves.
        var forgotten = new List<Operation>();
        for (int i = 0; i < Wire.WireProtocol.MaxCalls + 100; i++)
            forgotten.Add(await client.StartAsync(made.Id, null, Token));
        Assert.Equal(PowerState.Running, (await client.GetAsync(made.Id, Token)).State);
        GC.KeepAlive(forgotten);
    }

    private static VirtualMachineSpec Spec(string name)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        return spec;
    }

    private static async Task<HypervisorException?> FailureOfAsync(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (HypervisorException error)
        {
            return error;
        }
    }
}
