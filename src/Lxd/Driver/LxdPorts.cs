using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// Ports of the host that lead into containers: proxy devices, which a program of the server's carries out where it runs. That a port is taken is found among all containers, and by the server where another program listens there.
/// Of a container that is stopped it listens from its next start on.
/// </summary>
internal sealed class LxdPorts(LxdParts parts, ContainerWork work) : IPortForwards
{
    private const int MostTries = 16;

    public async IAsyncEnumerable<PortForward> ListAsync(InstanceId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var forward in DeviceRules.PortsOf((await work.RequireAsync(id, cancellationToken).ConfigureAwait(false)).Own))
            yield return forward;
    }

    public async Task<PortForward> AddAsync(InstanceId id, PortSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var wanted = DeviceWishes.Copied(spec);
        var device = DeviceId.Parse($"port-{(request?.RequestId ?? RequestId.New()).ToGuid().ToString("N")[20..]}");
        var operation = await work.ChangeAsync(
            WorkKinds.AddPort, id, request, null, (change, token) => AddAsync(change, device, wanted, token),
            (facts, _) => Task.FromResult(facts is null ? null : Find(facts, device)), cancellationToken).ConfigureAwait(false);
        return await operation.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async Task<bool> RemoveAsync(InstanceId id, DeviceId forward, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var operation = await work.ChangeAsync<object>(
            WorkKinds.RemovePort, id, request, null,
            async (change, token) =>
            {
                if (Find(change.Before, forward) is null)
                    return false;
                await change.ReplaceAsync([forward.ToString()], [], null, null, token).ConfigureAwait(false);
                return true;
            },
            (_, _) => Task.FromResult<object?>(true), cancellationToken).ConfigureAwait(false);
        return (bool)await operation.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static PortForward? Find(ContainerFacts facts, DeviceId id) => DeviceRules.PortsOf(facts.Own).FirstOrDefault(forward => forward.Id == id);

    private async Task<PortForward> AddAsync(ContainerChange change, DeviceId id, PortSpec wanted, CancellationToken cancellationToken)
    {
        for (int tries = 0; ; tries++)
        {
            var all = await parts.Containers.ListAsync(cancellationToken).ConfigureAwait(false);
            var devices = new Dictionary<string, IDictionary<string, string>> { [id.ToString()] = DeviceWishes.PortOf(wanted, all.Select(facts => facts.Own)) };
            try
            {
                await change.PatchAsync([], devices, null, cancellationToken).ConfigureAwait(false);
                return Find(await change.LookAsync(cancellationToken).ConfigureAwait(false), id)
                    ?? throw new HypervisorException($"The forward '{id}' of '{change.Id}' was made and is gone already: somebody has removed it.", ErrorCode.NotFound, RequestOutcome.FailedMidway) { Resource = $"instance {change.Id}" };
            }
            catch (LxdException error) when (wanted.Host is null && tries < MostTries && (error.Code == ErrorCode.AlreadyExists || error.Message.Contains("proxy device", StringComparison.Ordinal)))
            {
                // Another program of the host listens there, which the server does not always say: the next.
                await Task.Yield();
            }
        }
    }
}
