using System.IO.Pipelines;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>A channel of a backend that is open over there.</summary>
internal sealed class RemoteChannel : BackendChannel
{
    private readonly RemotePipes _pipes;

    public RemoteChannel(IOpenCall call)
    {
        _pipes = new RemotePipes(call);
        // Why it ended over there is what the bytes say.
        _ = _pipes.Completion.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public override PipeReader Input => _pipes.Input;

    public override PipeWriter Output => _pipes.Output;

    public override ValueTask DisposeAsync() => _pipes.DisposeAsync();
}
