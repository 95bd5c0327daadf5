using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Machines;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Virtual machines.</summary>
internal sealed class SimulatedHypervisor(SimulationClient client) : SimulatedCompute(client, InstanceKind.VirtualMachine), IHypervisor
{
    public Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A name is needed.", nameof(spec));
        cancellationToken.ThrowIfCancellationRequested();
        // What the naming rules say is known here: nothing is sent.
        Client.ThrowIfClosed();
        if (!World.Personality.Naming.Accepts(spec.Name.ToString(), out string? problem))
            return Task.FromException<Operation<Instance>>(World.Invalid("name", problem));
        string? arguments = CallText.Of(World, spec);
        return World.Calls.EnterAsync(Client, WorkKinds.Create, spec.Name.ToString(), () => CallText.Of(World, request, arguments), () =>
        {
            var requestId = request?.RequestId ?? World.Works.NewRequestId();
            if (World.Works.Repeated<Instance>(requestId, WorkKinds.Create) is { } again)
                return Task.FromResult(again);
            var (config, node) = new MachineReader(World).Read(spec);
            return Task.FromResult(InstanceMaking.Begin(World, WorkKinds.Create, config, node, null, request, requestId, World.Options.Durations.Create));
        });
    }
}
