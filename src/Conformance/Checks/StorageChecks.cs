namespace Hypervisor.Sdk.Conformance;

/// <summary>STOR: volumes and pools.</summary>
internal static class StorageChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "STOR-01", Sentence = "The pools are listed, with what is used of them.", Needs = [CheckNeed.Storage], Body = PoolsAreListed },
        new() { Id = "STOR-02", Sentence = "A created volume is what was asked for, is found and listed, and is gone after it was deleted.", Needs = [CheckNeed.Storage], Body = CreateAndDelete },
        new() { Id = "STOR-03", Sentence = "The same request id again returns the volume that it made; a deletion repeated under its request id succeeds.", Needs = [CheckNeed.Storage], Body = CreateOnce },
        new() { Id = "STOR-04", Sentence = "A second volume of a name that is taken is refused (already-exists).", Needs = [CheckNeed.Storage], Body = NamesAreUnique },
        new() { Id = "STOR-05", Sentence = "A volume is made larger and its revision moves; smaller is refused (invalid-argument), and it stays as it is.", Needs = [CheckNeed.Storage], Body = Resize },
        new() { Id = "STOR-06", Sentence = "What is not there is not found: volume, pool (not-found).", Needs = [CheckNeed.Storage], Body = UnknownIsNotFound },
        new() { Id = "STOR-07", Sentence = "A full clone stands alone: it is there after its source is gone.", Needs = [CheckNeed.Storage], Body = FullClone },
        new() { Id = "STOR-08", Sentence = "What a linked clone lies upon is not deleted (invalid-state) until the clone is gone or stands alone.", Needs = [CheckNeed.Storage, CheckNeed.Can(Capability.LinkedClones)], Body = LinkedClone },
        new() { Id = "STOR-09", Sentence = "A volume has one writer: another is refused (locked), and so is deleting it; ending the lease frees it, and ending it twice is the same as once.", Needs = [CheckNeed.Storage], Body = OneWriter },
        new() { Id = "STOR-10", Sentence = "A volume has many readers, and no writer beside them.", Needs = [CheckNeed.Storage], Body = ManyReaders },
        new() { Id = "STOR-11", Sentence = "A consumer that accepts no kind of attachment that the backend has is refused (unsupported).", Needs = [CheckNeed.Storage], Body = UnknownKindIsRefused },
        new() { Id = "STOR-12", Sentence = "A second writer is let in for a handover while an instance moves.", Needs = [CheckNeed.Storage, CheckNeed.Can(Capability.MigrationHandover)], Body = Handover },
        new() { Id = "STOR-13", Sentence = "A list of volumes names each once, page by page.", Needs = [CheckNeed.Storage], Body = PagesName },
        new() { Id = "STOR-14", Sentence = "A request that made a volume is looked up as succeeded, with the volume; one that was refused is not.", Needs = [CheckNeed.Storage, CheckNeed.Of<IRequestLog>()], Body = LookUp },
        new() { Id = "STOR-15", Sentence = "A name that cannot be, a size of nothing, a default id: refused before anything is made.", Needs = [CheckNeed.Storage], Body = BadInput },
        new() { Id = "STOR-16", Sentence = "A linked clone that was flattened stands alone.", Needs = [CheckNeed.Storage, CheckNeed.Can(Capability.LinkedClones), CheckNeed.Of<IVolumeFlattening>()], Body = Flatten },
        new() { Id = "STOR-17", Sentence = "A pool is made and listed; one that holds volumes is not deleted (invalid-state), an empty one is.", Needs = [CheckNeed.Storage, CheckNeed.Of<IStoragePools>()], Body = Pools },
        new() { Id = "STOR-18", Sentence = "Many volumes are created at once, and of many of one name at once one.", Needs = [CheckNeed.Storage], Body = ManyAtOnce },
        new() { Id = "STRM-01", Sentence = "What is uploaded is downloaded, byte for byte.", Needs = [CheckNeed.Storage, CheckNeed.Of<IVolumeContent>()], Body = c => RoundTripAsync(c, 3 << 20) },
        new() { Id = "STRM-02", Sentence = "An upload that has not the stated hash or length is refused (invalid-argument), and nothing is left of it.", Needs = [CheckNeed.Storage, CheckNeed.Of<IVolumeContent>()], Body = BadUpload },
        new() { Id = "STRM-03", Sentence = "An upload that is cancelled leaves nothing behind.", Needs = [CheckNeed.Storage, CheckNeed.Of<IVolumeContent>()], Body = CancelledUpload },
        new() { Id = "STRM-04", Sentence = "A stream of many megabytes passes both ways without being held in memory.", Needs = [CheckNeed.Storage, CheckNeed.Of<IVolumeContent>()], IsLong = true, Deadline = TimeSpan.FromMinutes(3), Body = BigStream },
    ];

    private static IStorageBackend Storage(CheckContext c) => c.Backend.Get<IStorageBackend>();

    private static VolumeSpec NewSpec(CheckContext c, Action<VolumeSpec>? configure = null)
    {
        var spec = c.Target.NewVolume(c.NewText()) ?? throw new CheckSkippedException("The target has no volume to offer.");
        configure?.Invoke(spec);
        return spec;
    }

    private static Task<Volume> CreateAsync(CheckContext c, Action<VolumeSpec>? configure = null, RequestOptions? request = null) => Storage(c).CreateAsync(NewSpec(c, configure), request, c.Token).WaitForCompletionAsync(c.Token);

    private static Task DeleteAsync(CheckContext c, VolumeId id, RequestOptions? request = null) => Storage(c).DeleteAsync(id, request, c.Token).WaitForCompletionAsync(c.Token);

    private static async Task<List<Volume>> ListOwnAsync(CheckContext c)
    {
        var own = new List<Volume>();
        await foreach (var volume in Storage(c).ListVolumes(c.Target.Pool!.Value).WithCancellation(c.Token).ConfigureAwait(false))
        {
            if (volume.Name.StartsWith(c.NamePrefix, StringComparison.Ordinal))
                own.Add(volume);
        }

        return own;
    }

    private static async Task PoolsAreListed(CheckContext c)
    {
        var pools = new List<StoragePool>();
        await foreach (var pool in Storage(c).ListPoolsAsync(c.Token).ConfigureAwait(false))
            pools.Add(pool);
        var own = pools.Find(pool => pool.Name == c.Target.Pool);
        c.Require(own is not null, $"The pool '{c.Target.Pool}' is not among those that are listed: {CheckContext.Print(pools.Select(pool => pool.Name.ToString()))}.");
        c.Require(!string.IsNullOrWhiteSpace(own.Kind), "A pool does not say what it is made of.");
        c.Require(own.Capacity is null || own.Used is null || own.Used <= own.Capacity, $"Of a pool of {own.Capacity}, {own.Used} are used.");
        c.Require(own.Capacity is null || own.Available is null || own.Available <= own.Capacity, $"Of a pool of {own.Capacity}, {own.Available} are available.");
    }

    private static async Task CreateAndDelete(CheckContext c)
    {
        var spec = NewSpec(c);
        var made = await Storage(c).CreateAsync(spec, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        var found = await Storage(c).FindAsync(made.Id, c.Token).ConfigureAwait(false);
        c.Require(found is not null, $"The volume '{made.Id}' is not found after it was made.");
        foreach (var volume in new[] { made, found, (await ListOwnAsync(c).ConfigureAwait(false)).Single() })
        {
            c.RequireEqual(made.Id, volume.Id, "The id of a volume");
            c.RequireEqual(spec.Name, volume.Name, "The name of a volume");
            c.RequireEqual(spec.Size, volume.Size, "The size of a volume");
            c.RequireEqual(spec.Pool, volume.Pool, "The pool of a volume");
            c.Require(volume.Format.Length > 0 && !volume.Revision.IsDefault && volume.ClonedFrom is null, "A volume has no format or revision, or says that it is a clone.");
        }

        await DeleteAsync(c, made.Id).ConfigureAwait(false);
        c.Require(await Storage(c).FindAsync(made.Id, c.Token).ConfigureAwait(false) is null, $"The volume '{made.Id}' is found after it was deleted.");
        c.RequireEqual(0, (await ListOwnAsync(c).ConfigureAwait(false)).Count, "The number of volumes that are listed after the only one was deleted");
    }

    private static async Task CreateOnce(CheckContext c)
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        var spec = NewSpec(c);
        var first = await Storage(c).CreateAsync(spec, request, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        var second = await Storage(c).CreateAsync(spec, request, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(first.Id, second.Id, "The volume that a repeated create returned");
        c.RequireEqual(1, (await ListOwnAsync(c).ConfigureAwait(false)).Count, "The number of volumes after a repeated create");
        var deletion = new RequestOptions { RequestId = RequestId.New() };
        await DeleteAsync(c, first.Id, deletion).ConfigureAwait(false);
        await DeleteAsync(c, first.Id, deletion).ConfigureAwait(false);
    }

    private static async Task NamesAreUnique(CheckContext c)
    {
        var first = await CreateAsync(c).ConfigureAwait(false);
        await c.RefusedAsync("Creating a second volume of the same name", () => CreateAsync(c, spec => spec.Name = first.Name), ErrorCode.AlreadyExists).ConfigureAwait(false);
        c.RequireEqual(1, (await ListOwnAsync(c).ConfigureAwait(false)).Count, "The number of volumes after the second was refused");
    }

    private static async Task Resize(CheckContext c)
    {
        var made = await CreateAsync(c).ConfigureAwait(false);
        var larger = new ByteSize(made.Size.Bytes * 2);
        var grown = await Storage(c).ResizeAsync(made.Id, larger, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(larger, grown.Size, "The size of a volume that was made larger");
        c.Require(grown.Revision != made.Revision, "The revision of a volume is the same after it was made larger.");
        await c.RefusedAsync("Making a volume smaller", () => Storage(c).ResizeAsync(made.Id, made.Size, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.InvalidArgument).ConfigureAwait(false);
        c.RequireEqual(larger, (await Storage(c).FindAsync(made.Id, c.Token).ConfigureAwait(false))?.Size, "The size after making it smaller was refused");
    }

    private static async Task UnknownIsNotFound(CheckContext c)
    {
        var made = await CreateAsync(c).ConfigureAwait(false);
        await DeleteAsync(c, made.Id).ConfigureAwait(false);
        c.Require(await Storage(c).FindAsync(made.Id, c.Token).ConfigureAwait(false) is null, "Finding a volume that is not there gives one.");
        await c.RefusedAsync("Resizing a volume that is not there", () => Storage(c).ResizeAsync(made.Id, new ByteSize(made.Size.Bytes * 2), null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.NotFound).ConfigureAwait(false);
        await c.RefusedAsync("Deleting a volume that is not there", () => DeleteAsync(c, made.Id), ErrorCode.NotFound).ConfigureAwait(false);
        await c.RefusedAsync("Cloning a volume that is not there", () => Storage(c).CloneAsync(made.Id, NewSpec(c), CloneMode.Full, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.NotFound).ConfigureAwait(false);
        await c.RefusedAsync("Attaching a volume that is not there", () => AttachAsync(c, made.Id), ErrorCode.NotFound).ConfigureAwait(false);
        await c.RefusedAsync("Creating a volume in a pool that is not there", () => CreateAsync(c, spec => spec.Pool = PoolName.Parse("no-such-pool")), ErrorCode.NotFound).ConfigureAwait(false);
    }

    private static Task<Volume> CloneAsync(CheckContext c, VolumeId source, CloneMode mode) => Storage(c).CloneAsync(source, NewSpec(c, spec => spec.Size = ByteSize.Zero), mode, null, c.Token).WaitForCompletionAsync(c.Token);

    private static async Task FullClone(CheckContext c)
    {
        var source = await CreateAsync(c).ConfigureAwait(false);
        var clone = await CloneAsync(c, source.Id, CloneMode.Full).ConfigureAwait(false);
        c.RequireEqual(source.Size, clone.Size, "The size of a full clone");
        c.RequireEqual(null, clone.ClonedFrom, "What a full clone lies upon");
        await DeleteAsync(c, source.Id).ConfigureAwait(false);
        c.Require(await Storage(c).FindAsync(clone.Id, c.Token).ConfigureAwait(false) is not null, "A full clone is gone with its source.");
    }

    private static async Task LinkedClone(CheckContext c)
    {
        var source = await CreateAsync(c, spec => spec.Format = null).ConfigureAwait(false);
        var clone = await CloneAsync(c, source.Id, CloneMode.Linked).ConfigureAwait(false);
        c.RequireEqual(source.Id, clone.ClonedFrom, "What a linked clone lies upon");
        await c.RefusedAsync("Deleting what a linked clone lies upon", () => DeleteAsync(c, source.Id), ErrorCode.InvalidState).ConfigureAwait(false);
        await DeleteAsync(c, clone.Id).ConfigureAwait(false);
        await DeleteAsync(c, source.Id).ConfigureAwait(false);
    }

    private static async Task<VolumeLease> AttachAsync(CheckContext c, VolumeId id, VolumeAccess access = VolumeAccess.SingleWriter, IReadOnlyList<string>? kinds = null)
    {
        NodeName? node = null;
        await foreach (var pool in Storage(c).ListPoolsAsync(c.Token).ConfigureAwait(false))
            node = pool.Name == c.Target.Pool ? pool.Node : node;
        if (node is null && c.Backend.TryGet<INodes>(out var nodes))
        {
            await foreach (var known in nodes.ListAsync(c.Token).ConfigureAwait(false))
                node ??= known.Name;
        }

        var consumer = new VolumeConsumer { Node = node ?? NodeName.Parse(Environment.MachineName), AcceptedKinds = kinds ?? ["file", "block", "rbd", "iscsi", "nbd", "managed"] };
        var lease = await Storage(c).AttachAsync(id, consumer, access, c.Token).ConfigureAwait(false);
        c.Afterwards(token => Storage(c).DetachAsync(lease.Id, token));
        return lease;
    }

    private static async Task OneWriter(CheckContext c)
    {
        var made = await CreateAsync(c).ConfigureAwait(false);
        var lease = await AttachAsync(c, made.Id).ConfigureAwait(false);
        c.RequireEqual(made.Id, lease.Volume, "The volume of a lease");
        c.Require(lease.Id.Length > 0 && lease.Attachment is not null, "A lease has no id, or does not say how to reach the volume.");
        await c.RefusedAsync("A second writer of a volume", () => AttachAsync(c, made.Id), ErrorCode.Locked).ConfigureAwait(false);
        await c.RefusedAsync("A reader beside the writer of a volume", () => AttachAsync(c, made.Id, VolumeAccess.ReadOnlyMany), ErrorCode.Locked).ConfigureAwait(false);
        await c.RefusedAsync("Deleting a volume that is attached", () => DeleteAsync(c, made.Id), ErrorCode.Locked).ConfigureAwait(false);
        await Storage(c).DetachAsync(lease.Id, c.Token).ConfigureAwait(false);
        await Storage(c).DetachAsync(lease.Id, c.Token).ConfigureAwait(false);
        var next = await AttachAsync(c, made.Id).ConfigureAwait(false);
        await Storage(c).DetachAsync(next.Id, c.Token).ConfigureAwait(false);
        await DeleteAsync(c, made.Id).ConfigureAwait(false);
    }

    private static async Task ManyReaders(CheckContext c)
    {
        var made = await CreateAsync(c).ConfigureAwait(false);
        var first = await AttachAsync(c, made.Id, VolumeAccess.ReadOnlyMany).ConfigureAwait(false);
        var second = await AttachAsync(c, made.Id, VolumeAccess.ReadOnlyMany).ConfigureAwait(false);
        c.Require(first.Id != second.Id, "Two leases have one id.");
        await c.RefusedAsync("A writer beside readers", () => AttachAsync(c, made.Id), ErrorCode.Locked).ConfigureAwait(false);
        await Storage(c).DetachAsync(first.Id, c.Token).ConfigureAwait(false);
        await c.RefusedAsync("A writer beside the last reader", () => AttachAsync(c, made.Id), ErrorCode.Locked).ConfigureAwait(false);
        await Storage(c).DetachAsync(second.Id, c.Token).ConfigureAwait(false);
        await AttachAsync(c, made.Id).ConfigureAwait(false);
    }

    private static async Task UnknownKindIsRefused(CheckContext c)
    {
        var made = await CreateAsync(c).ConfigureAwait(false);
        await c.RefusedAsync("A consumer that accepts only 'carrier-pigeon'", () => AttachAsync(c, made.Id, kinds: ["carrier-pigeon"]), ErrorCode.Unsupported).ConfigureAwait(false);
        await DeleteAsync(c, made.Id).ConfigureAwait(false);
    }

    /// <summary>Lets a second writer in beside the first.</summary>
    public static async Task HandOverAsync(CheckContext c)
    {
        var made = await CreateAsync(c).ConfigureAwait(false);
        var from = await AttachAsync(c, made.Id).ConfigureAwait(false);
        try
        {
            var to = await AttachAsync(c, made.Id, VolumeAccess.MigrationHandover).ConfigureAwait(false);
            await Storage(c).DetachAsync(to.Id, c.Token).ConfigureAwait(false);
        }
        finally
        {
            await Storage(c).DetachAsync(from.Id, c.Token).ConfigureAwait(false);
        }
    }

    private static async Task Handover(CheckContext c)
    {
        var made = await CreateAsync(c).ConfigureAwait(false);
        var from = await AttachAsync(c, made.Id).ConfigureAwait(false);
        var to = await AttachAsync(c, made.Id, VolumeAccess.MigrationHandover).ConfigureAwait(false);
        await c.RefusedAsync("A third writer during a handover", () => AttachAsync(c, made.Id, VolumeAccess.MigrationHandover), ErrorCode.Locked).ConfigureAwait(false);
        await Storage(c).DetachAsync(from.Id, c.Token).ConfigureAwait(false);
        await c.RefusedAsync("A second writer after a handover", () => AttachAsync(c, made.Id), ErrorCode.Locked).ConfigureAwait(false);
        await Storage(c).DetachAsync(to.Id, c.Token).ConfigureAwait(false);
    }

    private static async Task PagesName(CheckContext c)
    {
        var made = new List<string>();
        for (int i = 0; i < 4; i++)
            made.Add((await CreateAsync(c).ConfigureAwait(false)).Name);
        var seen = new List<string>();
        string? continuation = null;
        do
        {
            var page = await Storage(c).ListVolumes(c.Target.Pool!.Value).GetPageAsync(continuation, 1, c.Token).ConfigureAwait(false);
            c.Require(page.Items.Count <= 1, $"A page of at most 1 item has {page.Items.Count}.");
            seen.AddRange(page.Items.Select(volume => volume.Name).Where(name => name.StartsWith(c.NamePrefix, StringComparison.Ordinal)));
            continuation = page.Continuation;
        }
        while (continuation is not null);
        c.RequireEqual(string.Join(", ", made.Order(StringComparer.Ordinal)), string.Join(", ", seen.Order(StringComparer.Ordinal)), "The list of volumes by pages of 1");
        await c.MisusedAsync("A page of no items", () => Storage(c).ListVolumes(c.Target.Pool!.Value).GetPageAsync(null, 0, c.Token)).ConfigureAwait(false);
    }

    private static async Task LookUp(CheckContext c)
    {
        var log = c.Backend.Get<IRequestLog>();
        var request = new RequestOptions { RequestId = RequestId.New() };
        var made = await CreateAsync(c, request: request).ConfigureAwait(false);
        var found = await log.LookUpAsync(request.RequestId.Value, c.Token).ConfigureAwait(false);
        c.RequireEqual(RequestState.Succeeded, found.State, "The state of a request that made a volume");
        c.RequireEqual(made.Id, found.Volume, "The volume of a request that made one");
        var refused = new RequestOptions { RequestId = RequestId.New() };
        await c.RefusedAsync("Creating a second volume of the same name", () => CreateAsync(c, spec => spec.Name = made.Name, refused), ErrorCode.AlreadyExists).ConfigureAwait(false);
        var state = (await log.LookUpAsync(refused.RequestId.Value, c.Token).ConfigureAwait(false)).State;
        c.Require(state is RequestState.NeverSeen or RequestState.Failed, $"A request that was refused is looked up as {state}.");
    }

    private static async Task BadInput(CheckContext c)
    {
        foreach (string name in new[] { "../" + c.NewText(), c.NewText() + "/x", c.NewText() + "\n", new string('x', 300), "" })
            await c.RefusedOrMisusedAsync($"Creating a volume with the name {CheckContext.Print(name.Length > 40 ? name[..40] + "..." : name)}", () => CreateAsync(c, spec => spec.Name = name)).ConfigureAwait(false);
        await c.RefusedOrMisusedAsync("Creating a volume of no size", () => CreateAsync(c, spec => spec.Size = ByteSize.Zero)).ConfigureAwait(false);
        await c.MisusedAsync("Deleting a default id", () => DeleteAsync(c, default)).ConfigureAwait(false);
        await c.MisusedAsync("Resizing a default id", () => Storage(c).ResizeAsync(default, ByteSize.FromMiB(1), null, c.Token)).ConfigureAwait(false);
        await c.MisusedAsync("Creating from no spec", () => Storage(c).CreateAsync(null!, null, c.Token)).ConfigureAwait(false);
        c.RequireEqual(0, (await ListOwnAsync(c).ConfigureAwait(false)).Count, "The number of volumes after bad input was refused");
    }

    private static async Task Flatten(CheckContext c)
    {
        var source = await CreateAsync(c).ConfigureAwait(false);
        var clone = await CloneAsync(c, source.Id, CloneMode.Linked).ConfigureAwait(false);
        var flat = await c.Backend.Get<IVolumeFlattening>().FlattenAsync(clone.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(null, flat.ClonedFrom, "What a flattened clone lies upon");
        await DeleteAsync(c, source.Id).ConfigureAwait(false);
        c.Require(await Storage(c).FindAsync(clone.Id, c.Token).ConfigureAwait(false) is not null, "A flattened clone is gone with its source.");
    }

    private static async Task Pools(CheckContext c)
    {
        var pools = c.Backend.Get<IStoragePools>();
        var name = PoolName.Parse(c.NewText());
        var made = await pools.CreatePoolAsync(new StoragePoolSpec { Name = name }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        bool isDeleted = false;
        c.Afterwards(token => isDeleted ? Task.CompletedTask : pools.DeletePoolAsync(name, null, token).WaitForCompletionAsync(token));
        c.RequireEqual(name, made.Name, "The name of a pool that was made");
        await c.RefusedAsync("Making a second pool of the same name", () => pools.CreatePoolAsync(new StoragePoolSpec { Name = name }, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.AlreadyExists).ConfigureAwait(false);
        var volume = await CreateAsync(c, spec => spec.Pool = name).ConfigureAwait(false);
        await c.RefusedAsync("Deleting a pool that holds a volume", () => pools.DeletePoolAsync(name, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
        await DeleteAsync(c, volume.Id).ConfigureAwait(false);
        await pools.DeletePoolAsync(name, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        isDeleted = true;
        await foreach (var pool in Storage(c).ListPoolsAsync(c.Token).ConfigureAwait(false))
            c.Require(pool.Name != name, "A pool is listed after it was deleted.");
    }

    private static async Task ManyAtOnce(CheckContext c)
    {
        var specs = Enumerable.Range(0, 6).Select(_ => NewSpec(c)).ToList();
        var made = await Task.WhenAll(specs.Select(spec => Storage(c).CreateAsync(spec, null, c.Token).WaitForCompletionAsync(c.Token))).ConfigureAwait(false);
        c.RequireEqual(6, made.Select(volume => volume.Id).Distinct().Count(), "The number of ids of volumes that were created at once");
        string name = c.NewText();
        bool[] won = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            try
            {
                await CreateAsync(c, spec => spec.Name = name).ConfigureAwait(false);
                return true;
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.AlreadyExists)
            {
                return false;
            }
        })).ConfigureAwait(false);
        c.RequireEqual(1, won.Count(one => one), "The number of volumes of one name that were created at once");
    }

    private static byte[] Pattern(int bytes)
    {
        byte[] content = new byte[bytes];
        new Random(17).NextBytes(content);
        // A hole in the middle: what holds zeros takes other ways.
        content.AsSpan(bytes / 3, bytes / 3).Clear();
        return content;
    }

    private static async Task RoundTripAsync(CheckContext c, int bytes)
    {
        var content = c.Backend.Get<IVolumeContent>();
        byte[] sent = Pattern(bytes);
        using var source = new MemoryStream(sent);
        var volume = await content.UploadAsync(NewSpec(c, spec =>
        {
            spec.Size = ByteSize.Zero;
            spec.Format = "raw";
        }), source, new VolumeUploadOptions { Format = "raw", Length = sent.Length, Sha256 = System.Security.Cryptography.SHA256.HashData(sent) }, null, c.Token).ConfigureAwait(false);
        c.RequireEqual(new ByteSize(bytes), volume.Size, "The size of a volume that was uploaded");
        var download = await content.DownloadAsync(volume.Id, null, c.Token).ConfigureAwait(false);
        await using (download.ConfigureAwait(false))
        {
            using var received = new MemoryStream();
            await download.CopyToAsync(received, c.Token).ConfigureAwait(false);
            c.Require(received.ToArray().AsSpan().SequenceEqual(sent), $"What was downloaded ({received.Length} bytes) is not what was uploaded ({sent.Length} bytes).");
        }
    }

    private static async Task BadUpload(CheckContext c)
    {
        byte[] sent = Pattern(64 << 10);
        await RefusedUploadAsync("An upload with another hash than was stated", sent, new VolumeUploadOptions { Format = "raw", Sha256 = new byte[32] }).ConfigureAwait(false);
        await RefusedUploadAsync("An upload that is shorter than was stated", sent, new VolumeUploadOptions { Format = "raw", Length = sent.Length + 512 }).ConfigureAwait(false);
        await RefusedUploadAsync("An upload that is longer than was stated", sent, new VolumeUploadOptions { Format = "raw", Length = sent.Length - 512 }).ConfigureAwait(false);
        await RefusedUploadAsync("An upload that is not of the stated format", sent, new VolumeUploadOptions { Format = "qcow2" }).ConfigureAwait(false);
        c.RequireEqual(0, (await ListOwnAsync(c).ConfigureAwait(false)).Count, "The number of volumes after uploads were refused");

        async Task RefusedUploadAsync(string what, byte[] bytes, VolumeUploadOptions options)
        {
            using var source = new MemoryStream(bytes);
            await c.RefusedAsync(what, () => c.Backend.Get<IVolumeContent>().UploadAsync(NewSpec(c, spec => spec.Size = ByteSize.Zero), source, options, null, c.Token), ErrorCode.InvalidArgument).ConfigureAwait(false);
        }
    }

    private static async Task CancelledUpload(CheckContext c)
    {
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(c.Token);
        using var source = new GeneratedStream(1L << 40, afterBytes: 4 << 20, cancelled.Cancel);
        bool isCancelled = false;
        try
        {
            await c.Backend.Get<IVolumeContent>().UploadAsync(NewSpec(c, spec => spec.Size = ByteSize.Zero), source, new VolumeUploadOptions { Format = "raw" }, null, cancelled.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            isCancelled = true;
        }

        c.Require(isCancelled, "An upload that was cancelled does not throw an OperationCanceledException.");
        c.RequireEqual(0, (await ListOwnAsync(c).ConfigureAwait(false)).Count, "The number of volumes after an upload was cancelled");
    }

    // What else goes on in the process meanwhile is in the memory too, and is not there each time.
    private static async Task BigStream(CheckContext c)
    {
        const long Bytes = 64L << 20;
        const int Times = 3;
        long held = long.MaxValue;
        for (int time = 0; time < Times && held >= Bytes / 4; time++)
            held = await HeldAfterAsync(c, Bytes).ConfigureAwait(false);
        c.Require(held < Bytes / 4, $"After {Bytes} bytes passed both ways, {held} bytes of memory are held.");
    }

    private static async Task<long> HeldAfterAsync(CheckContext c, long bytes)
    {
        var content = c.Backend.Get<IVolumeContent>();
        using var source = new GeneratedStream(bytes);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var volume = await content.UploadAsync(NewSpec(c, spec =>
        {
            spec.Size = ByteSize.Zero;
            spec.Format = "raw";
        }), source, new VolumeUploadOptions { Format = "raw", Length = bytes }, null, c.Token).ConfigureAwait(false);
        var download = await content.DownloadAsync(volume.Id, null, c.Token).ConfigureAwait(false);
        await using (download.ConfigureAwait(false))
        {
            byte[] buffer = new byte[1 << 20];
            long at = 0;
            int read;
            while ((read = await download.ReadAsync(buffer, c.Token).ConfigureAwait(false)) > 0)
            {
                c.Require(GeneratedStream.Matches(buffer.AsSpan(0, read), at), $"What was downloaded differs from what was uploaded within {read} bytes from {at}.");
                at += read;
            }

            c.RequireEqual(bytes, at, "The number of bytes that were downloaded");
        }

        return GC.GetTotalMemory(forceFullCollection: true) - before;
    }
}
