using System.Text;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Lxd.Tests.Lab;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>Snapshots and copies of containers, beyond what the kit checks.</summary>
[Peer("lxd")]
public sealed class LxdSnapshotTests(LxdLab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [Feature("SNP-01")]
    [Feature("SNP-02")]
    [Feature("SNP-03")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_running_container_goes_back_to_its_files_and_its_configuration_and_runs_again(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server, server.Socket);
        var (containers, snapshots) = (backend.Get<IContainerRuntime>(), backend.Get<ISnapshots>());
        var id = await CreateAsync(backend, "kept", spec => spec.Labels["stage"] = "one");
        await WriteAsync(backend, "kept", "first");
        await containers.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        var expiry = new DateTimeOffset(2090, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var taken = await snapshots.CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("v1.0"), Description = "before\nthe change", ExpiresAt = expiry }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("v1.0", "before\nthe change", expiry, true, false), (taken.Name, taken.Description, taken.ExpiresAt, taken.IsCurrent, taken.IncludesMemory));
        var labelled = new RequestOptions { RequestId = RequestId.New() };
        await containers.ChangeAsync(id, new InstanceChange { Labels = { ["stage"] = "two" } }, null, labelled, Token).WaitForCompletionAsync(Token);
        await WriteAsync(backend, "kept", "second");

        var before = (await containers.FindAsync(id, Token))!;
        var after = await snapshots.RevertAsync(id, SnapshotName.Parse("v1.0"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((PowerState.Running, "one", before.Incarnation), (after.State, after.Labels["stage"], after.Incarnation));
        Assert.NotEqual(before.StartedAt, after.StartedAt);
        Assert.Equal("first", await ReadAsync(backend, "kept"));

        // What a request has left since then is no part of what it goes back to.
        Assert.Equal("apply:done", (await backend.Client.InstanceGetAsync("kept", cancellationToken: Token)).Value.Config![LxdRequestLog.KeyOf(labelled.RequestId!.Value)]);
        await snapshots.DeleteAsync(id, SnapshotName.Parse("v1.0"), null, Token).WaitForCompletionAsync(Token);
        Assert.Empty(await snapshots.ListAsync(id, Token).ToListAsync(Token));
        Assert.Equal("first", await ReadAsync(backend, "kept"));
        await DeleteAsync(backend, id);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Snapshots_that_others_have_made_are_listed_and_gone_back_to(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server, server.Socket);
        var snapshots = backend.Get<ISnapshots>();
        var id = await CreateAsync(backend, "shared");
        await TakeAsync(backend, id, "ours");
        await TheirsAsync("theirs:1");
        await TheirsAsync("theirs2");
        Assert.Equal("./ours*, ours/theirs:1, ours/theirs2", await TreeAsync(backend, id));
        await snapshots.RevertAsync(id, SnapshotName.Parse("theirs:1"), null, Token).WaitForCompletionAsync(Token);
        await TakeAsync(backend, id, "below");
        Assert.Equal("./ours, ours/theirs:1, ours/theirs2, theirs:1/below*", await TreeAsync(backend, id));
        await snapshots.DeleteAsync(id, SnapshotName.Parse("theirs:1"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("./ours, ours/theirs2, ours/below*", await TreeAsync(backend, id));

        // Of the same name, and not the same one.
        await TakeAsync(backend, id, "later");
        await snapshots.DeleteAsync(id, SnapshotName.Parse("below"), null, Token).WaitForCompletionAsync(Token);
        await TakeAsync(backend, id, "below");
        Assert.Equal("./ours, ours/theirs2, ours/later, later/below*", await TreeAsync(backend, id));
        await DeleteAsync(backend, id);

        async Task TheirsAsync(string name)
        {
            var begun = await backend.Client.InstanceSnapshotsPostAsync("shared", new LxdInstanceSnapshotsPost { Name = name }, cancellationToken: Token);
            await backend.Client.Follow(begun, new LxdFollowOptions()).WaitAsync(Token);
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_became_of_a_snapshot_whose_reply_was_lost_is_looked_up(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var relay = new HttpRelay(server.PathOf($"relay-{Guid.NewGuid().ToString("N")[..8]}"), server.Socket);
        await using var backend = await ConnectAsync(server, relay.Path);
        var (snapshots, log) = (backend.Get<ISnapshots>(), backend.Get<IRequestLog>());
        var id = await CreateAsync(backend, "unheard");
        await TakeAsync(backend, id, "a");
        await TakeAsync(backend, id, "b");
        await LostAsync("./a, a/b, b/c*", request => snapshots.CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("c") }, request, Token).WaitForCompletionAsync(Token));
        await LostAsync("./a*, a/b, b/c", request => snapshots.RevertAsync(id, SnapshotName.Parse("a"), request, Token).WaitForCompletionAsync(Token));
        await LostAsync("./a*, a/c", request => snapshots.DeleteAsync(id, SnapshotName.Parse("b"), request, Token).WaitForCompletionAsync(Token));
        await DeleteAsync(backend, id);

        async Task LostAsync(string tree, Func<RequestOptions, Task> call)
        {
            var request = new RequestOptions { RequestId = RequestId.New() };
            foreach (var (when, state) in new[] { (LostReply.BeforeEffect, RequestState.Failed), (LostReply.AfterEffect, RequestState.Succeeded) })
            {
                relay.LoseNextReply(when);
                var error = await Assert.ThrowsAnyAsync<HypervisorException>(() => call(request));
                Assert.Equal(RequestOutcome.Unknown, error.Outcome);
                Assert.Equal(state, (await log.LookUpAsync(request.RequestId!.Value, Token)).State);
            }

            Assert.Equal(tree, await TreeAsync(backend, id));
            await call(request);
            Assert.Equal(tree, await TreeAsync(backend, id));
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_copy_of_a_snapshot_has_its_files_and_nothing_of_what_identifies_the_source(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server, server.Socket);
        var (containers, cloning, log) = (backend.Get<IContainerRuntime>(), backend.Get<ICloning>(), backend.Get<IRequestLog>());
        var made = new RequestOptions { RequestId = RequestId.New() };
        var id = await CreateAsync(backend, "original", spec => spec.Labels["of"] = "the source", made);
        await WriteAsync(backend, "original", "then");
        await TakeAsync(backend, id, "a");
        await WriteAsync(backend, "original", "now");
        var request = new RequestOptions { RequestId = RequestId.New() };
        var copy = await cloning.CloneAsync(id, new CloneSpec { Name = InstanceName.Parse("copied"), Snapshot = SnapshotName.Parse("a"), Description = "of then", Labels = { ["for"] = "tests" } }, request, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("copied", PowerState.Stopped, "of then", "the source", "tests"), (copy.Name, copy.State, copy.Description, copy.Labels["of"], copy.Labels["for"]));
        Assert.Equal(ByteSize.FromMiB(64), copy.Memory);
        Assert.Equal("then", await ReadAsync(backend, "copied"));
        Assert.Equal("now", await ReadAsync(backend, "original"));
        Assert.Empty(await backend.Get<ISnapshots>().ListAsync(copy.Id, Token).ToListAsync(Token));
        Assert.Equal(id, (await log.LookUpAsync(made.RequestId!.Value, Token)).Instance);
        Assert.Equal(copy.Id, (await log.LookUpAsync(request.RequestId!.Value, Token)).Instance);
        var own = (await backend.Client.InstanceGetAsync("copied", cancellationToken: Token)).Value.Config!;
        Assert.Equal([LxdRequestLog.KeyOf(request.RequestId!.Value)], own.Where(entry => entry.Key.StartsWith("user.hvsdk.", StringComparison.Ordinal) && entry.Value.Length > 0).Select(entry => entry.Key));
        var error = await Assert.ThrowsAnyAsync<HypervisorException>(() => cloning.CloneAsync(id, new CloneSpec { Name = InstanceName.Parse("other"), Snapshot = SnapshotName.Parse("b") }, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.NotFound, error.Code);
        await DeleteAsync(backend, copy.Id);
        await DeleteAsync(backend, id);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_a_snapshot_cannot_have_is_refused_with_the_reason(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server, server.Socket);
        var snapshots = backend.Get<ISnapshots>();
        var id = InstanceId.Parse("nobody");
        Assert.Contains("CRIU", (await RefusedAsync(new SnapshotSpec { Name = SnapshotName.Parse("a"), IncludeMemory = true }, ErrorCode.Unsupported)).Message, StringComparison.Ordinal);
        Assert.Contains("CRIU", (await backend.QueryAsync(Capability.MemorySnapshots, default, Token)).Reason!, StringComparison.Ordinal);
        await RefusedAsync(new SnapshotSpec { Name = SnapshotName.Parse("a"), Quiesce = true }, ErrorCode.Unsupported);
        foreach (string name in new[] { "a b", "a,b", "a@b", "é", new string('a', 64), "_a" })
            await RefusedAsync(new SnapshotSpec { Name = SnapshotName.Parse(name) }, ErrorCode.InvalidArgument);
        var linked = await Assert.ThrowsAnyAsync<HypervisorException>(() => backend.Get<ICloning>().CloneAsync(id, new CloneSpec { Name = InstanceName.Parse("x"), Mode = CloneMode.Linked }, null, Token));
        Assert.Equal((ErrorCode.Unsupported, RequestOutcome.NotSent), (linked.Code, linked.Outcome));

        async Task<HypervisorException> RefusedAsync(SnapshotSpec spec, ErrorCode code)
        {
            var error = await Assert.ThrowsAnyAsync<HypervisorException>(() => snapshots.CreateAsync(id, spec, null, Token));
            Assert.Equal((code, RequestOutcome.NotSent), (error.Code, error.Outcome));
            return error;
        }
    }

    private static Task<LxdBackend> ConnectAsync(PrivateServer server, string socket) => LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = socket } }, Token);

    private static async Task<InstanceId> CreateAsync(LxdBackend backend, string name, Action<ContainerSpec>? alter = null, RequestOptions? request = null)
    {
        var spec = new ContainerSpec { Name = InstanceName.Parse(name), Image = "busybox", MemoryLimit = ByteSize.FromMiB(64) };
        alter?.Invoke(spec);
        return (await backend.Get<IContainerRuntime>().CreateAsync(spec, request, Token).WaitForCompletionAsync(Token)).Id;
    }

    private static Task DeleteAsync(LxdBackend backend, InstanceId id) => backend.Get<IContainerRuntime>().DeleteAsync(id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);

    private static Task<Snapshot> TakeAsync(LxdBackend backend, InstanceId id, string name) => backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse(name) }, null, Token).WaitForCompletionAsync(Token);

    private static async Task<string> TreeAsync(LxdBackend backend, InstanceId id) =>
        string.Join(", ", (await backend.Get<ISnapshots>().ListAsync(id, Token).ToListAsync(Token)).Select(snapshot => $"{snapshot.Parent ?? "."}/{snapshot.Name}{(snapshot.IsCurrent ? "*" : "")}"));

    private static Task WriteAsync(LxdBackend backend, string name, string text) =>
        backend.Client.InstanceFilesPostAsync(name, HttpRequestBody.FromBytes(Encoding.UTF8.GetBytes(text), "application/octet-stream"), new LxdCall { Path = "/etc/file", HeaderType = "file", HeaderMode = "0644", HeaderWrite = "overwrite" }, Token);

    private static async Task<string> ReadAsync(LxdBackend backend, string name)
    {
        await using var answer = await backend.Client.InstanceFilesGetAsync(name, new LxdCall { Path = "/etc/file" }, Token);
        using var reader = new StreamReader(answer.OpenStream());
        return await reader.ReadToEndAsync(Token);
    }
}
