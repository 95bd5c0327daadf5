using System.Text.Json;
using Hypervisor.Sdk.Jobs;
using Hypervisor.Sdk.Lxd.Tests.Lab;
using Hypervisor.Sdk.Testing.Jobs;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Containers of real servers that are made by jobs over SQLite: by processes that are killed for real, and many at once.</summary>
[Peer("lxd")]
public sealed class LxdJobTests(LxdLab lab)
{
    private const string SocketVariable = "HVSDK_TEST_SOCKET";

    /// <summary>More than the three makers need for their first jobs, so that kills fall into all of the work.</summary>
    private const int LastEffect = 48;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the victims do: this program, started with this test alone. Each call that changes something at the server is an effect.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_killed()
    {
        string socket = Environment.GetEnvironmentVariable(SocketVariable) ?? throw new InvalidOperationException($"{SocketVariable} is not set.");
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var told = TextWriter.Synchronized(output);
        await using var backend = await ConnectAsync(socket);
        backend.Client.Answered = (operation, _) =>
        {
            if (operation.Method != HttpMethod.Get)
                told.WriteLine(MachineVictims.EffectPrefix + operation);
        };
        await MachineVictims.WorkAsync(SiteOf(backend), told);
    }

    [Theory(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("JOB-06")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public Task Four_processes_that_are_killed_at_work_lose_no_job_and_make_no_container_twice(ServerKind kind) => KillAsync(kind, kills: 4);

    [Theory(Timeout = 1_800_000)]
    [Speed(SpeedAttribute.Full)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public Task Twenty_processes_that_are_killed_at_work_lose_no_job_and_make_no_container_twice(ServerKind kind) => KillAsync(kind, kills: 20);

    [Theory(Timeout = 1_800_000)]
    [Speed(SpeedAttribute.Slow)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public Task Fifty_containers_are_made_of_one_image_at_once(ServerKind kind) => MakeAsync(kind, containers: 50);

    [Theory(Timeout = 1_800_000)]
    [Speed(SpeedAttribute.Slow)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public Task Fifty_clones_of_a_template_that_is_started_and_stopped_between_are_never_refused(ServerKind kind) => CloneAsync(kind, clones: 50);

    private async Task KillAsync(ServerKind kind, int kills)
    {
        using var directory = new TempDirectory();
        await using var server = await lab.StartOwnAsync(kind);
        await using var client = await server.ConnectAsync();
        await using var events = await client.WatchAsync(new LxdEventOptions { Types = [LxdEventOptions.LifecycleEvents], Capacity = 1 << 20 }, Token);
        var made = await MachineVictims.KillAsync($"{typeof(LxdJobTests).FullName}.{nameof(Work_until_killed)}", directory["jobs.db"], kills, LastEffect, new Dictionary<string, string> { [SocketVariable] = server.Socket });

        await using var backend = await ConnectAsync(server.Socket);
        var outcome = await MachineVictims.EndAllAsync(directory["jobs.db"], SiteOf(backend), made);
        await outcome.AssertThereAsync(backend.Get<IContainerRuntime>());
        await AssertNothingElseAsync(server, client, [.. outcome.Kept.Order(StringComparer.Ordinal)]);

        // Whoever asked for it, and how often: the server has made each once and deleted it once.
        var told = await TellAsync(client, events);
        Assert.Equal(outcome.Ends.Keys.Order(StringComparer.Ordinal), NamesOf(told, "instance-created"));
        Assert.Equal(outcome.Ends.Where(end => end.Value == MachineJob.Deleted).Select(end => end.Key).Order(StringComparer.Ordinal), NamesOf(told, "instance-deleted"));
    }

    private async Task MakeAsync(ServerKind kind, int containers)
    {
        await using var server = await lab.StartOwnAsync(kind);
        await using var backend = await ConnectAsync(server.Socket);
        string[] names = [.. Enumerable.Range(0, containers).Select(number => $"one-of-{containers}-{number:00}")];
        await DoAsync(SiteOf(backend), containers, [.. names.Select(name => new MachineJob(name, MachineJob.Made))]);
        Assert.Equal(names, await NamesAsync(backend));
    }

    /// <summary>All at once: without lanes those that come upon the template while it runs would be refused.</summary>
    private async Task CloneAsync(ServerKind kind, int clones)
    {
        await using var server = await lab.StartOwnAsync(kind);
        await using var backend = await ConnectAsync(server.Socket);
        var site = SiteOf(backend);
        var template = await site.CreateAsync("template", new RequestOptions()).WaitForCompletionAsync(Token);
        site = site with
        {
            CreateAsync = (name, request) => backend.Get<ICloning>().CloneAsync(template.Id, new CloneSpec { Name = InstanceName.Parse(name) }, request, CancellationToken.None),
            Work = job => job.End == MachineJob.Cycled ? new LaneQuery { Action = "power", Instance = template.Id } : new LaneQuery { Action = "clone", Source = template.Id },
        };
        string[] names = [.. Enumerable.Range(0, clones).Select(number => $"clone-{number:00}")];
        await DoAsync(site, clones, [.. names.SelectMany((name, number) => number % 4 == 3 ? [new MachineJob(name, MachineJob.Made), new MachineJob("template", MachineJob.Cycled)] : new[] { new MachineJob(name, MachineJob.Made) })]);
        Assert.Equal([.. names, "template"], await NamesAsync(backend));
    }

    /// <summary>Does jobs, as many at once as there may be, each of which must succeed the first time.</summary>
    private static async Task DoAsync(MachineSite site, int places, MachineJob[] all)
    {
        using var directory = new TempDirectory();
        await using var engine = await MachineEngine.StartAsync(directory["jobs.db"], site, options => (options.Concurrency, options.Lease) = (places, TimeSpan.FromMinutes(5)), Token);
        foreach (var job in await engine.Jobs.EnqueueAllAsync(all, cancellationToken: Token))
        {
            await job.WaitAsync<MachineJob>(Token);
            Assert.All(await engine.Jobs.ListAttemptsAsync(job.Id, Token), attempt => Assert.Equal((AttemptEnd.Completed, null), (attempt.End, attempt.Reason)));
        }
    }

    private static async Task<IEnumerable<string>> NamesAsync(LxdBackend backend) => (await backend.Get<IContainerRuntime>().List().ToListAsync(Token)).Select(container => container.Name).Order(StringComparer.Ordinal);

    private static Task<LxdBackend> ConnectAsync(string socket) =>
        LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = socket }, DefaultDeadline = TimeSpan.FromMinutes(10) }, Token);

    private static MachineSite SiteOf(LxdBackend backend) => new(
        backend, backend.Get<IContainerRuntime>(), (name, request) => backend.Get<IContainerRuntime>().CreateAsync(new ContainerSpec { Name = InstanceName.Parse(name), Image = "busybox" }, request, CancellationToken.None));

    /// <summary>Looks that nothing is left of what is not to be there: neither with the server nor in its pool.</summary>
    private static async Task AssertNothingElseAsync(PrivateServer server, LxdClient client, string[] names)
    {
        Assert.Equal(names, (await client.InstancesGetRecursion1Async(cancellationToken: Token)).Value.Select(instance => instance.Name!).Order(StringComparer.Ordinal));
        Assert.Equal(names, (await client.StoragePoolVolumesTypeGetRecursion1Async("default", "container", cancellationToken: Token)).Value.Select(volume => volume.Name!).Order(StringComparer.Ordinal));
        Assert.Equal(names, Directory.EnumerateDirectories(server.PathOf("storage-pools/default/containers")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    /// <summary>What has happened to instances so far, in order. Nothing of it is missing.</summary>
    private static async Task<IReadOnlyList<(string Action, string Name)>> TellAsync(LxdClient client, LxdEventStream events)
    {
        const string Last = "the-last-of-all";
        await client.ProfilesPostAsync(new LxdProfilesPost { Name = Last }, cancellationToken: Token);
        var told = new List<(string, string)>();
        await foreach (var news in ((IAsyncEnumerable<LxdNews>)events).WithCancellation(Token))
        {
            Assert.False(news.IsGap, news.Gap);
            var (action, source) = (Text(news.Event, "action"), Text(news.Event, "source"));
            if (source.Contains(Last, StringComparison.Ordinal))
                break;
            if (LxdRequestLog.NameOf(source) is { } name)
                told.Add((action, name));
        }

        return told;
    }

    private static IEnumerable<string> NamesOf(IEnumerable<(string Action, string Name)> told, string action) => told.Where(one => one.Action == action).Select(one => one.Name).Order(StringComparer.Ordinal);

    private static string Text(LxdEvent told, string field) => told.Metadata is { ValueKind: JsonValueKind.Object } metadata && metadata.TryGetProperty(field, out var value) ? value.GetString() ?? "" : "";
}
