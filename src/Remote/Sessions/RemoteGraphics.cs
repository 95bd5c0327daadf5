using System.IO.Pipelines;
using Hypervisor.Sdk.Remote.Calls;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>A connection to a screen over there.</summary>
internal sealed class RemoteGraphics(RemoteSession session) : GraphicsSession
{
    private readonly RemotePipes _pipes = new(session);

    public override string Protocol { get; } = session.Opened.Next<string>();

    public override Secret? Password { get; } = session.Opened.Find<ReadOnlyMemory<byte>?>() is { } password ? new Secret(password.Span) : null;

    public override PipeReader Input => _pipes.Input;

    public override PipeWriter Output => _pipes.Output;

    public override ValueTask DisposeAsync() => _pipes.DisposeAsync();
}
