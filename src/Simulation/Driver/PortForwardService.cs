using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Machines;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Ports of nodes that lead into instances. Nothing listens: a simulation opens no socket.</summary>
internal sealed class PortForwardService(SimulationClient client) : IPortForwards
{
    /// <summary>How often a port is drawn until one is free.</summary>
    private const int MaxDraws = 1000;

    private readonly World _world = client.World;

    public async IAsyncEnumerable<PortForward> ListAsync(InstanceId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var port in await _world.Calls.EnterAsync(client, "list-ports", id.ToString(), null, () => Task.FromResult(_world.Require(id).Config.Ports)).ConfigureAwait(true))
            yield return port;
    }

    public Task<PortForward> AddAsync(InstanceId id, PortSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        cancellationToken.ThrowIfCancellationRequested();
        string? arguments = CallText.Json(_world, spec);
        return _world.Calls.EnterAsync(client, "add-port", id.ToString(), () => CallText.Of(_world, request, arguments), () =>
        {
            var instance = _world.Require(id);
            var ports = instance.Config.Ports;
            var reader = new ContainerReader(_world);
            var port = reader.ReadPort(spec, ports.Count);
            for (int draws = 0; spec.Host is null && draws < MaxDraws && IsTaken(instance, port); draws++)
                port = reader.ReadPort(spec, ports.Count);
            // The same port of the same request again is the one that there is.
            if (ports.FirstOrDefault(other => other.Id == port.Id && (spec.Host is null || other.Host.Port == spec.Host)) is { } there && request?.RequestId is not null)
                return Task.FromResult(there);
            if (ports.Any(other => other.Id == port.Id) || IsTaken(instance, port))
                throw _world.Error(ErrorCode.AlreadyExists, RequestOutcome.Rejected, $"The port {port.Host.Port}/{port.Protocol} of the node '{instance.Node.Text}', or {port.GuestPort} of '{instance.Name}', is taken.", instance.Text);
            _world.Save(instance, instance.Config with { Ports = [.. ports, port] });
            return Task.FromResult(port);
        });
    }

    private bool IsTaken(SimInstance instance, PortForward port) =>
        _world.Instances.Any(other => other.Node == instance.Node && other.Config.Ports.Any(taken => taken.Host.Port == port.Host.Port && taken.Protocol == port.Protocol));

    public Task<bool> RemoveAsync(InstanceId id, DeviceId forward, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _world.Calls.EnterAsync(client, "remove-port", id.ToString(), () => CallText.Of(_world, request, forward.ToString()), () =>
        {
            var instance = _world.Require(id);
            var ports = instance.Config.Ports;
            var rest = ports.Where(port => port.Id != forward).ToArray();
            if (rest.Length == ports.Count)
                return Task.FromResult(false);
            _world.Save(instance, instance.Config with { Ports = rest });
            return Task.FromResult(true);
        });
    }
}
