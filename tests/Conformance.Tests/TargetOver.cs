namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>A target that stands over another: what it does not say otherwise is that one's.</summary>
internal abstract class TargetOver(ConformanceTarget inner) : ConformanceTarget
{
    protected ConformanceTarget Inner => inner;

    public override string Prefix => inner.Prefix;

    public override double Patience => inner.Patience;

    public override IGuestFaults? Guests => inner.Guests;

    public override INodeFaults? Nodes => inner.Nodes;

    public override PoolName? Pool => inner.Pool;

    public override Task<IBackend?> ConnectElsewhereAsync(BackendName name, CancellationToken cancellationToken) => inner.ConnectElsewhereAsync(name, cancellationToken);

    public override InstanceSpec? NewInstance(InstanceName name) => inner.NewInstance(name);

    public override InstanceSpec? NewGuest(InstanceName name) => inner.NewGuest(name);

    public override InstanceSpec? NewDeafGuest(InstanceName name) => inner.NewDeafGuest(name);

    public override InstanceSpec? NewInstanceFor(Capability capability, InstanceName name) => inner.NewInstanceFor(capability, name);

    public override VolumeSpec? NewVolume(string name) => inner.NewVolume(name);

    public override Task<VolumeAttachment?> MakeAttachmentAsync(CancellationToken cancellationToken) => inner.MakeAttachmentAsync(cancellationToken);

    public override Task<bool> AttachmentExistsAsync(VolumeAttachment attachment, CancellationToken cancellationToken) => inner.AttachmentExistsAsync(attachment, cancellationToken);

    public override Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken) => inner.IsAcceleratedAsync(running, cancellationToken);

    public override Task<bool?> HasAsync(InstanceId made, Capability capability, CancellationToken cancellationToken) => inner.HasAsync(made, capability, cancellationToken);

    public override Task PassTimeAsync(TimeSpan time, CancellationToken cancellationToken) => inner.PassTimeAsync(time, cancellationToken);

    public override string? WhyNot(ConformanceAbility ability) => inner.WhyNot(ability);
}
