using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using Hypervisor.Sdk.Remote;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>Another target, whose backends are served over a connection and reached as those of another process are. What can be disturbed of it is the connection.</summary>
internal sealed class RemoteTarget(ConformanceTarget inner, ModelJson? json = null) : TargetOver(inner), IConnectionFaults
{
    private static readonly HashSet<string> s_changes = ["start", "stop", "restart", "delete", "apply", "create", "clone", "resize", "pause", "resume", "reset", "revert", "suspend", "migrate", "toTemplate", "toInstance"];
    private readonly ConcurrentBag<FrameWay> _ways = [];
#pragma warning disable CA2213 // One of the ways, all of which are disposed.
    private FrameWay? _disturbed;
#pragma warning restore CA2213
    private LostReply? _lose;
    private ulong? _losing;

    public override string Name => Inner.Name + ", remote";

    public override IConnectionFaults Connection => this;

    public override Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => ConnectAsync(new FrameWay(socket => ServeAsync(socket, Inner.ConnectAsync)), name, cancellationToken);

    public override async Task<IBackend?> ConnectElsewhereAsync(BackendName name, CancellationToken cancellationToken)
    {
        var elsewhere = await Inner.ConnectElsewhereAsync(name, cancellationToken);
        return elsewhere is null ? null : await ConnectAsync(new FrameWay(socket => ServeAsync(socket, (_, _) => Task.FromResult(elsewhere))), name, cancellationToken);
    }

    async Task<IBackend> IConnectionFaults.ConnectAsync(BackendName name, CancellationToken cancellationToken)
    {
        _disturbed = new FrameWay(socket => ServeAsync(socket, Inner.ConnectAsync)) { Passing = Pass };
        return await ConnectAsync(_disturbed, name, cancellationToken);
    }

    public void LoseNextReply(LostReply when) => _lose = when;

    public Task BreakAsync(CancellationToken cancellationToken)
    {
        _disturbed!.Cut();
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        while (_ways.TryTake(out var way))
            await way.DisposeAsync();
        await Inner.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task<IBackend> ConnectAsync(FrameWay way, BackendName name, CancellationToken cancellationToken)
    {
        _ways.Add(way);
        return await RemoteBackend.ConnectAsync(new RemoteBackendOptions { Name = name.ToString(), Connect = token => Sdk.Transport.Connection.ConnectUnixAsync(way.Path, null, token), Json = json ?? ModelJson.Default }, cancellationToken);
    }

    private Task ServeAsync(System.Net.Sockets.Socket socket, Func<BackendName, CancellationToken, Task<IBackend>> connect) =>
        BackendServer.ServeAsync(Sdk.Transport.Connection.FromSocket(socket), (opening, token) => connect(opening.Name, token), json);

    /// <summary>Loses the next call that changes something, or the answer to it: kind and number of the call are behind the length of a frame.</summary>
    private int Pass(bool isToServer, byte[] frame)
    {
        ulong id = BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(5));
        if (isToServer && _lose is { } lose && frame[4] is 1 or 2 && s_changes.Contains(Encoding.UTF8.GetString(frame, 14, frame[13]).Split('.')[^1]))
        {
            _lose = null;
            if (lose == LostReply.BeforeEffect)
                return 0;
            _losing = id;
        }

        if (isToServer || _losing != id || frame[4] is not (3 or 4))
            return frame.Length;
        _losing = null;
        return 0;
    }
}
