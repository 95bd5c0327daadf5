using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Machines;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Ports of nodes that lead into containers. Nothing listens: a simulation opens no socket.</summary>
internal sealed class PortForwardService(SimulationClient client) : IPortForwards
{
    private readonly World _world = client.World;

    public async IAsyncEnumerable<PortForward> ListAsync(InstanceId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var port in await _world.Calls.EnterAsync(client, "list-ports", id.ToString(), null, () => Task.FromResult(Require(id).Config.Container!.Ports)).ConfigureAwait(true))
            yield return port;
    }

    public Task<PortForward> AddAsync(InstanceId id, PortSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        cancellationToken.ThrowIfCancellationRequested();
        return _world.Calls.EnterAsync(client, "add-port", id.ToString(), () => $"{spec.Host}:{spec.Guest}/{spec.Protocol}", () =>
        {
            var instance = Require(id);
            var container = instance.Config.Container!;
            var port = new ContainerReader(_world).ReadPort(spec, container.Ports.Count);
            // The same port of the same request again is the one that there is.
            if (container.Ports.FirstOrDefault(other => other.Id == port.Id && (spec.Host is null || other.Host.Port == spec.Host)) is { } there && request?.RequestId is not null)
                return Task.FromResult(there);
            if (container.Ports.Any(other => other.Id == port.Id) || _world.Instances.Any(other => other.Node == instance.Node && other.Config.Container?.Ports.Any(taken => taken.Host.Port == port.Host.Port && taken.Protocol == port.Protocol) == true))
                throw _world.Error(ErrorCode.AlreadyExists, RequestOutcome.Rejected, $"The port {port.Host.Port}/{port.Protocol} of the node '{instance.Node.Text}', or {port.GuestPort} of '{instance.Name}', is taken.", instance.Text);
            _world.Save(instance, instance.Config with { Container = container with { Ports = [.. container.Ports, port] } });
            return Task.FromResult(port);
        });
    }

    public Task<bool> RemoveAsync(InstanceId id, DeviceId forward, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _world.Calls.EnterAsync(client, "remove-port", id.ToString(), forward.ToString, () =>
        {
            var instance = Require(id);
            var container = instance.Config.Container!;
            var rest = container.Ports.Where(port => port.Id != forward).ToArray();
            if (rest.Length == container.Ports.Count)
                return Task.FromResult(false);
            _world.Save(instance, instance.Config with { Container = container with { Ports = rest } });
            return Task.FromResult(true);
        });
    }

    private SimInstance Require(InstanceId id) => _world.Require(id, InstanceKind.Container);
}
