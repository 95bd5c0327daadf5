using System.IO.Pipelines;
using Hypervisor.Sdk.Remote.Calls;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>A text console that is open over there.</summary>
internal sealed class RemoteConsole(RemoteSession session) : ConsoleSession
{
    private readonly RemotePipes _pipes = new(session);

    public override PipeReader Input => _pipes.Input;

    public override PipeWriter Output => _pipes.Output;

    public override Task Completion => _pipes.Completion;

    public override bool CanResize { get; } = session.Opened.Next<bool>();

    public override async ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default) =>
        await session.Change("console.resize").With(columns).With(rows).SendAsync(cancellationToken).ConfigureAwait(false);

    public override ValueTask DisposeAsync() => _pipes.DisposeAsync();
}
