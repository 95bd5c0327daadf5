using System.Collections.Concurrent;
using System.Threading.Channels;
using Hypervisor.Sdk.Samples.ToyDriver;

namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>
/// The toy with what no driver here has yet, in memory: suspending, a guest with an agent, backups, forwards, moves, a connection that can be disturbed, a node that can be cut off. So that every check is seen to pass, and to fail.
/// </summary>
internal sealed class FeaturedTarget : ConformanceTarget, IConnectionFaults, INodeFaults
{
    private static readonly NodeName s_node = NodeName.Parse("node1");
    private readonly ToyTarget _toy = new();
    private readonly ConcurrentDictionary<InstanceId, bool> _suspended = [];
    private readonly Channel<BackendEvent> _told = Channel.CreateBounded<BackendEvent>(1024);
    private readonly List<EventHandler<BackendConnectionChangedEventArgs>> _handlers = [];
    private bool _isCut;
    private LostReply? _loses;
    private BackendConnectionState _state = BackendConnectionState.Connected;

    public override string Name => "toy with features";

    public override IConnectionFaults Connection => this;

    public override INodeFaults Nodes => this;

    public override Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => WrapAsync(name, call => Answer(call), cancellationToken);

    Task<IBackend> IConnectionFaults.ConnectAsync(BackendName name, CancellationToken cancellationToken) => WrapAsync(name, Disturbed, cancellationToken);

    public override InstanceSpec NewInstance(InstanceName name) => _toy.NewInstance(name);

    public override InstanceSpec NewGuest(InstanceName name) => _toy.NewInstance(name);

    public override string? WhyNot(ConformanceAbility ability) => _toy.WhyNot(ability);

    public void LoseNextReply(LostReply when) => _loses = when;

    public Task BreakAsync(CancellationToken cancellationToken)
    {
        Become(BackendConnectionState.Disconnected);
        _told.Writer.TryWrite(new EventGap { At = DateTimeOffset.UtcNow, Position = EventPosition.Parse("gap"), Reason = "The connection was lost." });
        return Task.CompletedTask;
    }

    public Task CutAsync(NodeName node, CancellationToken cancellationToken)
    {
        _isCut = true;
        return Task.CompletedTask;
    }

    public Task HealAsync(NodeName node, CancellationToken cancellationToken)
    {
        _isCut = false;
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        await _toy.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task<IBackend> WrapAsync(BackendName name, Func<Call, object?> answer, CancellationToken cancellationToken) =>
        LyingProxy.Wrap(await _toy.ConnectAsync(name, cancellationToken), 1, new Lie("", LieBase.Featured, "", answer));

    private object? Answer(Call call)
    {
        if (call.Method == "TryGet" && !(bool)call.Next()!)
        {
            var features = new ToyFeatures(call.Client.Get<IHypervisor>(), _suspended);
            bool has = call.Parameters[0].GetElementType()!.IsInstanceOfType(features);
            call.Arguments[0] = has ? features : null;
            return has;
        }

        if (call.Method == "StartAsync" && call.Parameters[1] == typeof(RequestOptions))
            _suspended.TryRemove(call.Id, out _);
        if (call.Method == "List" && _isCut)
        {
            return new ChangedList<Instance>((PagedList<Instance>)call.Next()!, page => Copy.With(page, (nameof(page.Items), Array.Empty<Instance>()),
                (nameof(page.Unreachable), new[] { new HypervisorException($"The node '{s_node}' does not answer.", ErrorCode.Unavailable, RequestOutcome.Rejected) { Resource = $"node {s_node}" } })));
        }

        return call.Method == "TryGet" ? true : Answers.Instances(call.Next(), instance => Copy.With(instance, (nameof(instance.Node), (NodeName?)s_node), (nameof(instance.State), _suspended.ContainsKey(instance.Id) ? PowerState.Suspended : instance.State)));
    }

    private object? Disturbed(Call call)
    {
        switch (call.Method)
        {
            case "get_ConnectionState":
                return _state;
            case "add_ConnectionChanged":
                _handlers.Add((EventHandler<BackendConnectionChangedEventArgs>)call.Arguments[0]!);
                return null;
            case "CheckHealthAsync":
                Become(BackendConnectionState.Connected);
                return call.Next();
            case "WatchAsync":
                return MergedAsync((Task<Subscription>)call.Next()!);
            case "CreateAsync" when call.Arguments[0] is VirtualMachineSpec bad && !call.Client.Info.Naming.Accepts(bad.Name.ToString(), out _):
                return Answer(call);
            case "CreateAsync" or "StartAsync" or "StopAsync" or "RestartAsync" or "ApplyAsync" when _loses is { } when:
                _loses = null;
                return LostAsync<Operation<Instance>>(call, when);
            case "DeleteAsync" when _loses is { } when:
                _loses = null;
                return LostAsync<Operation>(call, when);
            default:
                return Answer(call);
        }
    }

    private static async Task<T> LostAsync<T>(Call call, LostReply when)
        where T : Operation
    {
        if (when == LostReply.AfterEffect)
            await (await (Task<T>)call.Next()!).WaitAsync();
        throw new BackendConnectionException("The connection ended before the answer came.", ErrorCode.Unavailable, RequestOutcome.Unknown);
    }

    private async Task<Subscription> MergedAsync(Task<Subscription> honest)
    {
        var events = await honest;
        _ = Task.Run(async () =>
        {
            await foreach (var next in events)
                await _told.Writer.WriteAsync(next);
        });
        return new MergedSubscription(events, _told.Reader);
    }

    private void Become(BackendConnectionState state)
    {
        if (_state == state)
            return;
        var from = _state;
        _state = state;
        _handlers.ForEach(handler => handler(this, new BackendConnectionChangedEventArgs { Backend = BackendName.Parse("toy"), From = from, To = state }));
    }

    private sealed class MergedSubscription(Subscription honest, ChannelReader<BackendEvent> told) : Subscription
    {
        public override IAsyncEnumerator<BackendEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) => told.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

        public override ValueTask DisposeAsync() => honest.DisposeAsync();
    }
}
