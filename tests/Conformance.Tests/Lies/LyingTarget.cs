namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>A target whose driver breaks one rule. What can be done to it from outside is done to the honest driver beneath.</summary>
internal sealed class LyingTarget(ConformanceTarget honest, Lie lie) : ConformanceTarget, IConnectionFaults
{
    private int _clients;

    public override string Name => $"{honest.Name}, which {lie.What}";

    public override IConnectionFaults? Connection => honest.Connection is null ? null : this;

    public override IGuestFaults? Guests => honest.Guests;

    public override INodeFaults? Nodes => honest.Nodes;

    public override PoolName? Pool => honest.Pool;

    public override async Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => LyingProxy.Wrap(await honest.ConnectAsync(name, cancellationToken), Interlocked.Increment(ref _clients), lie);

    public override Task<IBackend?> ConnectElsewhereAsync(BackendName name, CancellationToken cancellationToken) => honest.ConnectElsewhereAsync(name, cancellationToken);

    async Task<IBackend> IConnectionFaults.ConnectAsync(BackendName name, CancellationToken cancellationToken) => LyingProxy.Wrap(await honest.Connection!.ConnectAsync(name, cancellationToken), Interlocked.Increment(ref _clients), lie);

    public void LoseNextReply(LostReply when) => honest.Connection!.LoseNextReply(when);

    public Task BreakAsync(CancellationToken cancellationToken) => honest.Connection!.BreakAsync(cancellationToken);

    public override InstanceSpec? NewInstance(InstanceName name) => honest.NewInstance(name);

    public override InstanceSpec? NewGuest(InstanceName name) => honest.NewGuest(name);

    public override InstanceSpec? NewDeafGuest(InstanceName name) => honest.NewDeafGuest(name);

    public override InstanceSpec? NewInstanceFor(Capability capability, InstanceName name) => honest.NewInstanceFor(capability, name);

    public override VolumeSpec? NewVolume(string name) => honest.NewVolume(name);

    public override Task<VolumeAttachment?> MakeAttachmentAsync(CancellationToken cancellationToken) => honest.MakeAttachmentAsync(cancellationToken);

    public override Task<bool> AttachmentExistsAsync(VolumeAttachment attachment, CancellationToken cancellationToken) => honest.AttachmentExistsAsync(attachment, cancellationToken);

    public override Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken) => honest.IsAcceleratedAsync(running, cancellationToken);

    public override Task<bool?> HasAsync(InstanceId made, Capability capability, CancellationToken cancellationToken) => honest.HasAsync(made, capability, cancellationToken);

    public override Task PassTimeAsync(TimeSpan time, CancellationToken cancellationToken) => honest.PassTimeAsync(time, cancellationToken);

    public override string? WhyNot(ConformanceAbility ability) => honest.WhyNot(ability);
}
