using System.Globalization;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Finds requests and operations again, for every client of the data centre.</summary>
internal sealed class RequestService(SimulationClient client) : IRequestLog, IOperations
{
    private World World => client.World;

    public Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (id.IsDefault)
            throw new ArgumentException("A request id is needed.", nameof(id));
        return World.Calls.EnterAsync(client, "look-up", World.Works.NameOf(id), null, () => Task.FromResult(Answer(id)));
    }

    public Task<Operation?> ResumeAsync(OperationToken token, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (token.IsDefault || token.Backend != World.Name || token.Version != 1 || !long.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            throw new ArgumentException($"'{token}' is not a token of this backend.", nameof(token));
        return World.Calls.EnterAsync<Operation?>(client, "resume-operation", token.Value, null, () => Task.FromResult<Operation?>(World.Works.Find(number) switch
        {
            Work<Instance> work => new SimulatedOperation<Instance>(work),
            Work<Snapshot> work => new SimulatedOperation<Snapshot>(work),
            Work<Volume> work => new SimulatedOperation<Volume>(work),
            Work<bool> work => new SimulatedOperation<bool>(work),
            _ => null,
        }));
    }

    private RequestLookup Answer(RequestId id)
    {
        if (World.Works.Find(id) is not { } work)
            return new RequestLookup { State = World.Works.MayHaveForgotten(id) ? RequestState.Expired : RequestState.NeverSeen };
        return new RequestLookup
        {
            State = work.State switch
            {
                OperationState.Running => RequestState.Running,
                OperationState.Succeeded => RequestState.Succeeded,
                _ => RequestState.Failed,
            },
            Instance = work.InstanceId,
            Volume = work.VolumeId,
            Operation = World.Personality.Can(Capability.ResumableOperations) ? work.Token : null,
            Error = work.Error,
        };
    }
}
