using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>What the features have in common: their calls pass the gate.</summary>
internal abstract class FeatureService(SimulationClient client)
{
    protected World World { get; } = client.World;

    protected SimulationClient Client { get; } = client;

    /// <summary>Makes a call about an instance.</summary>
    protected Task<T> EnterAsync<T>(string action, InstanceId id, RequestOptions? request, string? arguments, Func<Task<T>> body)
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        return World.Calls.EnterAsync(Client, action, id.ToString(), () => CallText.Of(World, request, arguments), body);
    }

    /// <summary>Makes a call about an instance that its caller can cancel while it waits.</summary>
    protected Task<T> EnterAsync<T>(string action, InstanceId id, RequestOptions? request, string? arguments, Func<CancellationToken, Task<T>> body, CancellationToken cancellationToken)
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        return World.Calls.EnterAsync(Client, action, id.ToString(), () => CallText.Of(World, request, arguments), body, cancellationToken);
    }

    protected HypervisorException InvalidState(SimInstance instance, string why) => World.Refused(ErrorCode.InvalidState, $"'{instance.Name}' {why}.", instance.Text);
}
