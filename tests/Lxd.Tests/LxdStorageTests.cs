using System.Text;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Lxd.Tests.Lab;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>The storage role over the pools of real servers.</summary>
[Peer("lxd")]
public sealed class LxdStorageTests(LxdLab lab)
{
    private static readonly PoolName s_default = PoolName.Parse("default");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [Feature("STO-02")]
    [Feature("STO-03")]
    [Feature("STO-04")]
    [Feature("STO-18")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task The_pools_of_a_server_keep_the_contract_of_storage(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var target = new LxdTarget(server, kind.ToString(), "hvstor-", await server.ConnectAsync());
        await using var runner = new CheckRunner(target, new ConformanceOptions { Only = ["STOR", "STRM"], IncludeLong = true });
        var report = await runner.RunAsync(cancellationToken: Token);
        Assert.True(report.IsConformant, string.Join('\n', report.Results.Where(result => result.Outcome == CheckOutcome.Failed).Select(result => $"{result.Id} {result.Message}")));
        Assert.Equal(["STOR-08", "STOR-12", "STOR-16", "STRM-01", "STRM-02", "STRM-03", "STRM-04"], report.Results.Where(result => result.Outcome == CheckOutcome.Skipped).Select(result => result.Id));
    }

    [Theory(Timeout = 300_000)]
    [Feature("STO-02")]
    [Feature("STO-18")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_pool_is_made_with_settings_of_the_servers_and_says_what_is_used_of_it(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var (storage, pools) = (backend.Get<IStorageBackend>(), backend.Get<IStoragePools>());
        using var directory = new TempDirectory();
        string source = directory.Path;
        var spec = new StoragePoolSpec { Name = PoolName.Parse("made-pool") };
        spec.Settings["source"] = source;
        spec.Settings["volume.size"] = "3MiB";
        spec.Settings["user.rack"] = "r7";
        var made = await pools.CreatePoolAsync(spec, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("directory", false), (made.Kind, made.IsShared));
        Assert.NotNull(made.Node);
        var native = (await backend.Client.StoragePoolGetAsync("made-pool", cancellationToken: Token)).Value;
        Assert.Equal((source, "3MiB", "r7"), (native.Config!["source"], native.Config["volume.size"], native.Config["user.rack"]));

        // What is used is what the file system beneath says, of the pool's own directory.
        var disk = new DriveInfo(source);
        Assert.Equal(disk.TotalSize, made.Capacity!.Value.Bytes);
        Assert.InRange(made.Used!.Value.Bytes, 0, made.Capacity.Value.Bytes);
        Assert.Equal(made.Capacity.Value.Bytes - made.Used.Value.Bytes, made.Available!.Value.Bytes);

        foreach (var (name, key, value) in new[] { ("../up", "source", source), ("a b", "source", source), ("p", "volume..size", "1"), ("p", "../x", "1"), ("p", "user.x", "a\nb"), ("made-pool", "source", source) })
        {
            var bad = new StoragePoolSpec { Name = PoolName.TryParse(name, null, out var parsed) ? parsed : PoolName.Parse("has space") };
            bad.Settings[key] = value;
            var error = await Assert.ThrowsAsync<HypervisorException>(() => pools.CreatePoolAsync(bad, null, Token));
            Assert.Equal(name == "made-pool" ? ErrorCode.AlreadyExists : ErrorCode.InvalidArgument, error.Code);
            Assert.NotEqual(RequestOutcome.Unknown, error.Outcome);
        }

        await pools.DeletePoolAsync(spec.Name, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => pools.DeletePoolAsync(spec.Name, null, Token))).Code);
        Assert.Contains(await storage.ListPoolsAsync(Token).ToListAsync(Token), pool => pool.Name == s_default && pool.Used > ByteSize.Zero);
    }

    [Theory(Timeout = 300_000)]
    [Feature("STO-04")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_volume_that_a_container_has_is_not_deleted_and_while_that_writes_to_it_not_cloned(ServerKind kind)
    {
        await using var guest = await RunningContainer.StartAsync(await lab.GetAsync(kind), "has-volume");
        var (storage, client) = (guest.Backend.Get<IStorageBackend>(), guest.Backend.Client);
        var volume = await storage.CreateAsync(Spec("used"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("filesystem", volume.Format);
        await client.InstancePatchAsync("has-volume", new LxdInstancePut { Devices = new Dictionary<string, IDictionary<string, string>> { ["data"] = new Dictionary<string, string> { ["type"] = "disk", ["pool"] = "default", ["source"] = volume.Name, ["path"] = "/srv" } } }, cancellationToken: Token);
        var copy = Spec("copy");
        copy.Size = ByteSize.Zero;
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.CloneAsync(volume.Id, copy, CloneMode.Full, null, Token))).Code);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.DeleteAsync(volume.Id, null, Token))).Code);
        var consumer = new VolumeConsumer { Node = NodeName.Parse("here"), AcceptedKinds = ["managed"] };
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.AttachAsync(volume.Id, consumer, VolumeAccess.SingleWriter, Token))).Code);
        Assert.Equal(ErrorCode.Unsupported, (await Assert.ThrowsAsync<HypervisorException>(() => storage.AttachAsync(volume.Id, consumer, VolumeAccess.MigrationHandover, Token))).Code);
        Assert.Equal(0, (await guest.RunAsync("sh", "-c", "echo precious > /srv/file")).ExitCode);

        // It grows while it is used; when the container is stopped it can be cloned, and still not deleted.
        var grown = await storage.ResizeAsync(volume.Id, ByteSize.FromMiB(4), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(ByteSize.FromMiB(4), grown.Size);
        await guest.Backend.Get<IContainerRuntime>().StopAsync(guest.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        var clone = await storage.CloneAsync(volume.Id, copy, CloneMode.Full, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((ByteSize.FromMiB(4), "filesystem"), (clone.Size, clone.Format));
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.DeleteAsync(volume.Id, null, Token))).Code);
        await guest.Backend.Get<IContainerRuntime>().DeleteAsync(guest.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("precious\n", await ReadAsync(guest.Backend, clone, kind));
        foreach (var id in new[] { volume.Id, clone.Id })
            await storage.DeleteAsync(id, null, Token).WaitForCompletionAsync(Token);
    }

    [Theory(Timeout = 300_000)]
    [Feature("STO-04")]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_volume_goes_out_as_a_backup_and_comes_in_again_with_its_snapshots_under_another_name(ServerKind kind)
    {
        await using var backend = await ConnectAsync(await lab.GetAsync(kind));
        var (storage, lxd) = (backend.Get<IStorageBackend>(), backend.Get<ILxdStorage>());
        var volume = await storage.CreateAsync(Spec("out"), null, Token).WaitForCompletionAsync(Token);
        await WriteAsync(backend, volume, kind, "first\n");
        await lxd.TakeSnapshotAsync(volume.Id, "before", null, Token);
        await WriteAsync(backend, volume, kind, "second\n");

        using var archive = new MemoryStream();
        await using (var stream = await lxd.ExportAsync(volume.Id, true, Token))
        {
            Assert.Single((await backend.Client.StoragePoolVolumesTypeBackupsGetAsync("default", "custom", volume.Name, cancellationToken: Token)).Value);
            await stream.CopyToAsync(archive, Token);
        }

        Assert.Empty((await backend.Client.StoragePoolVolumesTypeBackupsGetAsync("default", "custom", volume.Name, cancellationToken: Token)).Value ?? []);
        string name = $"in-{Guid.NewGuid():N}";
        var request = new RequestOptions { RequestId = RequestId.New() };
        archive.Position = 0;
        var back = await lxd.ImportAsync(s_default, name, archive, request, Token);
        Assert.Equal((name, volume.Size, volume.Format), (back.Name, back.Size, back.Format));
        Assert.Equal("second\n", await ReadAsync(backend, back, kind));
        Assert.Equal(["before"], (await lxd.ListSnapshotsAsync(back.Id, Token)).Select(snapshot => snapshot.Name));
        await lxd.RestoreSnapshotAsync(back.Id, "before", Token);
        Assert.Equal("first\n", await ReadAsync(backend, back, kind));

        // What its source was asked does not stand at it; what it was made by does, for any process.
        var found = await backend.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, Token);
        Assert.Equal((RequestState.Succeeded, back.Id), (found.State, found.Volume!.Value));
        Assert.Single((await backend.Client.StoragePoolVolumeTypeGetAsync("default", "custom", name, cancellationToken: Token)).Value.Config!.Keys, key => key.StartsWith("user.hvsdk.", StringComparison.Ordinal));

        archive.Position = 0;
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => lxd.ImportAsync(s_default, name, archive, null, Token))).Code);
        foreach (string bad in new[] { "../up", "a/b", "", ".", "x\n" })
            Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => lxd.ImportAsync(s_default, bad, archive, null, Token))).Code);
        using var rubbish = new MemoryStream(Encoding.ASCII.GetBytes("this is no archive"));
        await Assert.ThrowsAnyAsync<HypervisorException>(() => lxd.ImportAsync(s_default, "rubbish", rubbish, null, Token));
        Assert.Null(await storage.FindAsync(VolumeId.Parse("default/rubbish"), Token));
        foreach (var id in new[] { volume.Id, back.Id })
            await storage.DeleteAsync(id, null, Token).WaitForCompletionAsync(Token);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task A_volume_is_taken_back_to_a_snapshot_which_is_deleted_or_expires(ServerKind kind)
    {
        await using var backend = await ConnectAsync(await lab.GetAsync(kind));
        var (storage, lxd) = (backend.Get<IStorageBackend>(), backend.Get<ILxdStorage>());
        var volume = await storage.CreateAsync(Spec("snapped"), null, Token).WaitForCompletionAsync(Token);
        await WriteAsync(backend, volume, kind, "old\n");
        var end = DateTimeOffset.UtcNow.AddDays(30);
        var taken = await lxd.TakeSnapshotAsync(volume.Id, "s.1", end, Token);
        Assert.Equal("s.1", taken.Name);
        Assert.InRange(taken.ExpiresAt!.Value, end.AddSeconds(-1), end.AddSeconds(1));
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => lxd.TakeSnapshotAsync(volume.Id, "s.1", null, Token))).Code);
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => lxd.TakeSnapshotAsync(volume.Id, "../s", null, Token))).Code);
        await WriteAsync(backend, volume, kind, "new\n");
        await lxd.TakeSnapshotAsync(volume.Id, "s.2", null, Token);
        Assert.Equal([("s.1", true), ("s.2", false)], (await lxd.ListSnapshotsAsync(volume.Id, Token)).Select(snapshot => (snapshot.Name, snapshot.ExpiresAt is not null)));
        Assert.Equal([volume.Id], (await storage.ListVolumes(s_default).ToListAsync(Token)).Where(found => found.Name.StartsWith(volume.Name, StringComparison.Ordinal)).Select(found => found.Id));
        await lxd.RestoreSnapshotAsync(volume.Id, "s.1", Token);
        Assert.Equal("old\n", await ReadAsync(backend, volume, kind));
        await lxd.DeleteSnapshotAsync(volume.Id, "s.1", Token);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => lxd.RestoreSnapshotAsync(volume.Id, "s.1", Token))).Code);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => lxd.DeleteSnapshotAsync(volume.Id, "s.1", Token))).Code);

        // A volume goes with its snapshots.
        await storage.DeleteAsync(volume.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => lxd.ListSnapshotsAsync(volume.Id, Token))).Code);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task What_the_servers_own_clients_make_is_found_and_what_a_request_left_is_found_by_another_process(ServerKind kind)
    {
        var server = await lab.GetAsync(kind);
        await using var backend = await ConnectAsync(server);
        var storage = backend.Get<IStorageBackend>();
        string name = $"theirs_{Guid.NewGuid():N}";
        await backend.Client.StoragePoolVolumesTypePostAsync("default", "custom", new LxdStorageVolumesPost { Name = name, Type = "custom", ContentType = "filesystem" }, cancellationToken: Token);
        var found = (await storage.FindAsync(VolumeId.Parse($"default/{name}"), Token))!;

        // Nothing limits it but its pool.
        var pool = (await storage.ListPoolsAsync(Token).ToListAsync(Token)).Single(pool => pool.Name == s_default);
        Assert.Equal((pool.Capacity, "filesystem"), (found.Size, found.Format));
        Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<HypervisorException>(() => storage.DeleteAsync(found.Id, new RequestOptions { IfRevision = Revision.Parse("other") }, Token))).Code);

        // A request that this process knows nothing of: its key stands at the volume.
        var (request, never) = (RequestId.New(), RequestId.New());
        await backend.Client.StoragePoolVolumesTypePostAsync("default", "custom", new LxdStorageVolumesPost
        {
            Name = name + ".2", Type = "custom", ContentType = "filesystem", Config = new Dictionary<string, string> { [LxdRequestLog.KeyOf(request)] = "create-volume:done" },
        }, cancellationToken: Token);
        var lookup = await backend.Get<IRequestLog>().LookUpAsync(request, Token);
        Assert.Equal((RequestState.Succeeded, $"default/{name}.2"), (lookup.State, lookup.Volume.ToString()));
        Assert.Equal(RequestState.NeverSeen, (await backend.Get<IRequestLog>().LookUpAsync(never, Token)).State);
        var again = await storage.CreateAsync(new VolumeSpec { Pool = s_default, Name = name + ".2", Size = ByteSize.FromMiB(1) }, new RequestOptions { RequestId = request }, Token).WaitForCompletionAsync(Token);
        Assert.Equal(lookup.Volume, again.Id);
        foreach (var id in new[] { found.Id, again.Id })
            await storage.DeleteAsync(id, null, Token).WaitForCompletionAsync(Token);
    }

    private static VolumeSpec Spec(string name) => new() { Pool = s_default, Name = $"{name}-{Guid.NewGuid():N}", Size = ByteSize.FromMiB(2) };

    private static Task<LxdBackend> ConnectAsync(PrivateServer server) => LxdBackend.ConnectAsync(new LxdBackendOptions { Connection = new LxdOptions { Server = server.Socket } }, Token);

    private async Task<string> ReadAsync(LxdBackend backend, Volume volume, ServerKind kind) => Encoding.UTF8.GetString((await InContainerAsync(backend, volume, kind, "cat /srv/file")).Output.Span);

    private Task<CommandResult> WriteAsync(LxdBackend backend, Volume volume, ServerKind kind, string text) => InContainerAsync(backend, volume, kind, $"printf '{text.Replace("\n", "\\n", StringComparison.Ordinal)}' > /srv/file");

    /// <summary>Runs a command in a container that has the volume at <c>/srv</c>, and goes again.</summary>
    private async Task<CommandResult> InContainerAsync(LxdBackend backend, Volume volume, ServerKind kind, string command)
    {
        var containers = backend.Get<IContainerRuntime>();
        var spec = new ContainerSpec { Name = InstanceName.Parse($"looks-{Guid.NewGuid():N}"), Image = (await lab.GetAsync(kind)).Image };
        spec.Mounts.Add(new MountSpec { Target = "/srv", Source = new DiskContent.Existing(volume.Id) });
        var made = await containers.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        try
        {
            await containers.StartAsync(made.Id, null, Token).WaitForCompletionAsync(Token);
            var result = await backend.Get<ICommands>().RunAsync(made.Id, new CommandSpec { Command = ["sh", "-c", command] }, default, Token);
            Assert.Equal(0, result.ExitCode);
            return result;
        }
        finally
        {
            await containers.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None);
        }
    }
}
