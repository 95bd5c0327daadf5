using System.Globalization;
using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.Jobs.Tests.Simulated;

/// <summary>
/// A simulated data centre with Proxmox's rules and all that goes wrong there: requests and replies are lost, locks are refused, a backup holds the template of every second machine, nodes crash. Its time moves on with each request, so that what
/// is down comes back for those who try again.
/// </summary>
internal sealed class NearSite : ISite, IAsyncDisposable
{
    // The jobs of workers that were killed hold their lanes as long as their leases last: fewer would make the next ones wait.
    private const int MostAtOnce = 8;

    private static readonly NodeName s_first = NodeName.Parse("pve1");
    private static readonly NodeName s_second = NodeName.Parse("pve2");
    private static readonly TimeSpan s_perRequest = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_outage = TimeSpan.FromSeconds(1);

    private readonly SimulatedDatacenter _dc;
    private readonly InstanceId _golden;
    private int _untilCrash;
    private int _requests;
    private int _locked;

    private NearSite(SimulatedDatacenter dc, InstanceId golden) => (_dc, _golden) = (dc, golden);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IHypervisor Machines => _dc.Backend.Get<IHypervisor>();

    /// <summary>How many requests came here.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>How many of them met a lock.</summary>
    public int Locked => Volatile.Read(ref _locked);

    /// <summary>How many replies and requests were lost, among other faults of calls.</summary>
    public int Faults => _dc.Trace.Lines.Count(line => line.Kind == "fault");

    /// <summary>How much work a crash of its node has broken off.</summary>
    public int BrokenOff => _dc.Trace.Lines.Count(line => line.Kind == "end" && line.Details.EndsWith(nameof(ErrorCode.Unavailable), StringComparison.OrdinalIgnoreCase));

    public static bool IsKept(string name) => name.StartsWith("kept", StringComparison.Ordinal);

    private static bool IsClone(string name) => name.EndsWith('1');

    /// <param name="seed">Decides what goes wrong when.</param>
    public static async Task<NearSite> MakeAsync(int seed)
    {
        var dc = new SimulatedDatacenter(o =>
        {
            (o.Seed, o.Personality) = ((ulong)seed, SimulationPersonality.Proxmox);
            o.AddNode(s_first.ToString(), node => node.MaxCreationsAtOnce = MostAtOnce).AddNode(s_second.ToString(), node => node.MaxCreationsAtOnce = MostAtOnce);
        });
        var golden = await dc.Backend.Get<IHypervisor>().CreateAsync(Spec("golden", s_first), cancellationToken: Token).WaitForCompletionAsync(Token);
        await dc.Backend.Get<ITemplates>().ConvertToTemplateAsync(golden.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        dc.Faults.LoseReplies().On("create", "clone", "start").WithChance(0.25);
        dc.Faults.LoseRequests().On("create", "clone").WithChance(0.1);
        dc.Faults.RefuseLocks().On("create", "clone", "start", "stop", "delete").WithChance(0.1);
        return new NearSite(dc, golden.Id);
    }

    public ValueTask DisposeAsync() => _dc.DisposeAsync();

    /// <summary>The node of the so-manieth effect from now on loses its power while that is under way, and comes back.</summary>
    public void CrashAtEffect(int number) => Volatile.Write(ref _untilCrash, number);

    /// <summary>The template is locked for a while, as for a backup.</summary>
    public void LockTemplate() => _dc.Faults.Lock(_golden).For(s_outage).Now();

    public IEnumerable<BackendWork> WorkOf(string name) =>
        [new BackendWork(_dc.Backend, IsClone(name) ? new LaneQuery { Action = "clone", Source = _golden, Node = s_first } : new LaneQuery { Action = "create", Node = s_second })];

    /// <summary>Answers a line of a <see cref="FarSite"/>.</summary>
    public async Task<string> AnswerAsync(string line)
    {
        string[] words = line.Split(' ');
        return $"{words[0]} {await SendAsync(words[1], words[2], words[3], long.Parse(words[4], CultureInfo.InvariantCulture))}";
    }

    public async Task<string> SendAsync(string verb, string request, string what, long token)
    {
        Interlocked.Increment(ref _requests);
        _dc.Clock.Advance(s_perRequest);
        try
        {
            return "ok " + await DoAsync(verb, new RequestOptions { RequestId = RequestId.Parse(request, null), FencingToken = token }, what);
        }
        catch (HypervisorException exception)
        {
            if (exception.Code == ErrorCode.Locked)
                Interlocked.Increment(ref _locked);
            return $"error {exception.Code} {exception.Outcome} {exception.Message.ReplaceLineEndings(" ")}";
        }
    }

    /// <summary>Looks that there are these machines and nothing else, that each runs, unless its node has crashed since, and that each volume is a disk of one of them.</summary>
    public async Task AssertNothingElseAsync(IEnumerable<string> names)
    {
        _dc.Clock.Advance(TimeSpan.FromMinutes(10));
        var all = await Machines.List().ToListAsync(Token);
        var machines = all.Where(machine => !machine.IsTemplate).ToList();
        Assert.Equal(names.Order(StringComparer.Ordinal), machines.Select(machine => machine.Name.ToString()).Order(StringComparer.Ordinal));
        Assert.All(machines, machine => Assert.True(machine.State == PowerState.Running || machine.StateReason?.EndsWith("crashed.", StringComparison.Ordinal) == true, $"{machine.Name} is {machine.State}: {machine.StateReason}"));
        var storage = _dc.Backend.Get<IStorageBackend>();
        var volumes = new List<string>();
        await foreach (var pool in storage.ListPoolsAsync(Token))
            volumes.AddRange(await storage.ListVolumes(pool.Name).Select(volume => volume.Id.ToString()).ToListAsync(Token));
        Assert.Equal(all.SelectMany(machine => machine.Disks).Select(disk => disk.Volume!.Value.ToString()).Order(StringComparer.Ordinal), volumes.Order(StringComparer.Ordinal));
    }

    private static VirtualMachineSpec Spec(string name, NodeName node)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(16)), Placement = new Placement { Node = node } };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(64)) });
        return spec;
    }

    private async Task<string> DoAsync(string verb, RequestOptions options, string what)
    {
        switch (verb)
        {
            case "look":
                var found = await _dc.Backend.Get<IRequestLog>().LookUpAsync(options.RequestId!.Value, Token);
                return $"{found.State} {found.Instance?.ToString() ?? "-"} {found.Error?.Outcome.ToString() ?? "-"}";
            case "state":
                return (await Machines.FindAsync(InstanceId.Parse(what), Token))?.State.ToString() ?? MakeMachine.Absent;
            case "create":
                var making = IsClone(what)
                    ? await _dc.Backend.Get<ICloning>().CloneAsync(_golden, new CloneSpec { Name = InstanceName.Parse(what) }, options, Token)
                    : await Machines.CreateAsync(Spec(what, s_second), options, Token);
                Meanwhile(IsClone(what) ? s_first : s_second);
                return (await making.WaitAsync(Token)).Id.ToString();
        }

        var id = InstanceId.Parse(what);
        var node = (await Machines.FindAsync(id, Token))?.Node;
        Operation work = verb switch
        {
            "start" => await Machines.StartAsync(id, options, Token),
            "stop" => await Machines.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, options, Token),
            _ => await Machines.DeleteAsync(id, null, options, Token),
        };
        Meanwhile(node);
        await work.WaitAsync(Token);
        return what;
    }

    private void Meanwhile(NodeName? node)
    {
        if (node is { } there && Interlocked.Decrement(ref _untilCrash) == 0)
            _dc.Faults.Crash(there.ToString()).For(s_outage).Now();
    }
}
