namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>A target whose driver breaks one rule. What can be done to it from outside is done to the honest driver beneath.</summary>
internal sealed class LyingTarget(ConformanceTarget honest, Lie lie) : TargetOver(honest), IConnectionFaults
{
    private int _clients;

    public override string Name => $"{Inner.Name}, which {lie.What}";

    public override IConnectionFaults? Connection => Inner.Connection is null ? null : this;

    public override async Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => LyingProxy.Wrap(await Inner.ConnectAsync(name, cancellationToken), Interlocked.Increment(ref _clients), lie);

    async Task<IBackend> IConnectionFaults.ConnectAsync(BackendName name, CancellationToken cancellationToken) => LyingProxy.Wrap(await Inner.Connection!.ConnectAsync(name, cancellationToken), Interlocked.Increment(ref _clients), lie);

    public void LoseNextReply(LostReply when) => Inner.Connection!.LoseNextReply(when);

    public Task BreakAsync(CancellationToken cancellationToken) => Inner.Connection!.BreakAsync(cancellationToken);
}
