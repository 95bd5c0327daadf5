[assembly: AssemblyFixture(typeof(Hypervisor.Sdk.Lxd.Tests.Lab.LxdLab))]

namespace Hypervisor.Sdk.Lxd.Tests.Lab;

/// <summary>The servers of this test run, each started when the first test needs it, and one table of what they answered.</summary>
public sealed class LxdLab : IAsyncLifetime
{
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<(ServerKind, bool, string), PrivateServer> _servers = [];
    private readonly OperationTable _table = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A server; another one where the last has ended.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="hasOwnNetwork">Whether it has a network of its own, or the machine's, where its port can be reached.</param>
    /// <param name="use">What it is for: tests of one use share no server with those of another.</param>
    public async Task<PrivateServer> GetAsync(ServerKind kind, bool hasOwnNetwork = true, string use = "all")
    {
        await _gate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_servers.TryGetValue((kind, hasOwnNetwork, use), out var server) && server.HasExited)
            {
                _servers.Remove((kind, hasOwnNetwork, use));
                await server.DisposeAsync();
                server = null;
            }

            if (server is null)
                _servers.Add((kind, hasOwnNetwork, use), server = await PrivateServer.StartAsync(kind, hasOwnNetwork, _table.Watch, TestContext.Current.CancellationToken));
            return server;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>A server of the test's own, which it may break.</summary>
    public async Task<PrivateServer> StartOwnAsync(ServerKind kind) => await PrivateServer.StartAsync(kind, hasOwnNetwork: true, _table.Watch, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values)
            await server.DisposeAsync();
        _table.Save();
        _gate.Dispose();
    }
}
