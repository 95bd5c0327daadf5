using Hypervisor.Sdk.Jobs.PostgreSql;
using Hypervisor.Sdk.Jobs.Tests.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>Random workloads through the whole engine, with faults of everything around it, over a database of each seed's own.</summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
public sealed class EngineWorkloadTests(PostgreSqlServer server)
{
    [Fact(Timeout = 900_000)]
    [Speed(SpeedAttribute.Slow)]
    public Task What_has_to_hold_holds_over_a_server() => RunAsync(1, 20);

    [Fact(Timeout = 3_000_000)]
    [Speed(SpeedAttribute.Full)]
    public Task What_has_to_hold_holds_over_a_server_for_many_seeds() => RunAsync(21, 200);

    private async Task RunAsync(int first, int count)
    {
        for (int seed = first; seed < first + count; seed++)
        {
            await using var store = new PostgreSqlJobStore(await server.CreateDatabaseAsync(), notifications: false, TimeProvider.System);
            EngineWorkload.Expect(seed, await EngineWorkload.RunAsync(seed, store));
        }
    }
}
