using System.Threading.Channels;

namespace Hypervisor.Sdk.Tests.Fakes;

/// <summary>A test fake: the events that the test writes.</summary>
internal sealed class FakeSubscription : Subscription
{
    private readonly Channel<BackendEvent> _events = Channel.CreateBounded<BackendEvent>(100_000);

    public bool IsDisposed { get; private set; }

    public ChannelWriter<BackendEvent> Writer => _events.Writer;

    public override IAsyncEnumerator<BackendEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) => _events.Reader.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

    public override ValueTask DisposeAsync()
    {
        IsDisposed = true;
        _events.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }
}
