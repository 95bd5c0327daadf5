using Hypervisor.Sdk.Conformance;

namespace Hypervisor.Sdk.Samples.ToyDriver;

/// <summary>What the kit must know of this driver.</summary>
internal sealed class ToyTarget : ConformanceTarget, IGuestFaults
{
    private readonly Uri _address = new("toy://" + Guid.NewGuid().ToString("N"));

    public override string Name => "toy";

    public override IGuestFaults Guests => this;

    public Func<InstanceId, CancellationToken, Task>? FreezeAsync => null;

    public override Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => Task.FromResult<IBackend>(new ToyBackend(name, _address));

    public override InstanceSpec NewInstance(InstanceName name) => new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(16)) };

    public override InstanceSpec NewDeafGuest(InstanceName name) => new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(16)), GuestOs = "deaf" };

    public override Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken) => Task.FromResult<bool?>(false);

    public override string? WhyNot(ConformanceAbility ability) => "A child process has no such thing.";

    public Task CrashAsync(InstanceId id, CancellationToken cancellationToken)
    {
        ToyServer.At(_address).Machines[id].Process!.Kill();
        return Task.CompletedTask;
    }

    public Task ThawAsync(InstanceId id, CancellationToken cancellationToken) => Task.CompletedTask;
}
