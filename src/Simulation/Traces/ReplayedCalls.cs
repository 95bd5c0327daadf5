#pragma warning disable HVSDK004 // Experimental: the simulation has them too.
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Storage;
using Hypervisor.Sdk.Simulation.Works;

namespace Hypervisor.Sdk.Simulation.Traces;

/// <summary>The calls that change something or can be refused, read back from their lines. A new kind of call adds its line here, or its name to <see cref="Questions"/>.</summary>
internal static class ReplayedCalls
{
    private static readonly Dictionary<string, Func<IBackend, string, RequestOptions, string, Task>> s_calls = new(StringComparer.Ordinal)
    {
        [WorkKinds.Create] = static (backend, _, request, text) => Read<InstanceSpec>(text) switch
        {
            VirtualMachineSpec machine => backend.Get<IHypervisor>().CreateAsync(machine, request),
            var container => backend.Get<IContainerRuntime>().CreateAsync((ContainerSpec)container, request),
        },
        [WorkKinds.Start] = static (backend, id, request, _) => Compute(backend, id).StartAsync(InstanceId.Parse(id), request),
        [WorkKinds.Stop] = static (backend, id, request, text) => Compute(backend, id).StopAsync(InstanceId.Parse(id), Stop(text), request),
        [WorkKinds.Restart] = static (backend, id, request, text) => Compute(backend, id).RestartAsync(InstanceId.Parse(id), Stop(text), request),
        [WorkKinds.Delete] = static (backend, id, request, text) => Compute(backend, id).DeleteAsync(InstanceId.Parse(id), new DeleteOptions { StopFirst = text == "stopFirst" }, request),
        [WorkKinds.Apply] = static (backend, id, request, text) => ApplyAsync(backend, id, request, text),
        ["list-layers"] = static (backend, id, _, text) => EndAsync(backend.Get<IDiskLayers>().ListAsync(InstanceId.Parse(id), DeviceId.Parse(text))),
        [WorkKinds.AddLayer] = static (backend, id, request, text) => backend.Get<IDiskLayers>().AddAsync(InstanceId.Parse(id), DeviceId.Parse(text), request),
        [WorkKinds.CommitLayer] = static (backend, id, request, text) => backend.Get<IDiskLayers>().CommitAsync(InstanceId.Parse(id), DeviceId.Parse(First(text)), CallText.ReadWord(After(text)), request),
        [WorkKinds.FlattenDisk] = static (backend, id, request, text) => backend.Get<IDiskLayers>().FlattenAsync(InstanceId.Parse(id), DeviceId.Parse(text), request),
        [WorkKinds.MoveDisk] = static (backend, id, request, text) => MoveDiskAsync(backend, id, request, text),
        ["find"] = static (backend, id, _, _) => Compute(backend, id).FindAsync(InstanceId.Parse(id)),
        ["plan"] = static (backend, id, _, text) => Compute(backend, id).PlanAsync(InstanceId.Parse(id), Read<InstanceChange>(text)),
        [WorkKinds.Pause] = static (backend, id, request, _) => backend.Get<IPausing>().PauseAsync(InstanceId.Parse(id), request),
        [WorkKinds.Resume] = static (backend, id, request, _) => backend.Get<IPausing>().ResumeAsync(InstanceId.Parse(id), request),
        [WorkKinds.Reset] = static (backend, id, request, _) => backend.Get<IReset>().ResetAsync(InstanceId.Parse(id), request),
        [WorkKinds.Suspend] = static (backend, id, request, _) => backend.Get<ISuspendToDisk>().SuspendAsync(InstanceId.Parse(id), request),
        [WorkKinds.CreateSnapshot] = static (backend, id, request, text) => backend.Get<ISnapshots>().CreateAsync(InstanceId.Parse(id), Read<SnapshotSpec>(text), request),
        [WorkKinds.RevertSnapshot] = static (backend, id, request, text) => backend.Get<ISnapshots>().RevertAsync(InstanceId.Parse(id), SnapshotName.Parse(text), request),
        [WorkKinds.DeleteSnapshot] = static (backend, id, request, text) => backend.Get<ISnapshots>().DeleteAsync(InstanceId.Parse(id), SnapshotName.Parse(text), request),
        [WorkKinds.Clone] = static (backend, id, request, text) => backend.Get<ICloning>().CloneAsync(InstanceId.Parse(id), Read<CloneSpec>(text), request),
        [WorkKinds.ConvertToTemplate] = static (backend, id, request, _) => backend.Get<ITemplates>().ConvertToTemplateAsync(InstanceId.Parse(id), request),
        [WorkKinds.ConvertToInstance] = static (backend, id, request, _) => backend.Get<ITemplates>().ConvertToInstanceAsync(InstanceId.Parse(id), request),
        [WorkKinds.Migrate] = static (backend, id, request, text) => MigrateAsync(backend, id, request, text),
        [WorkKinds.CreateVolume] = static (backend, _, request, text) => backend.Get<IStorageBackend>().CreateAsync(Read<VolumeSpec>(text), request),
        [WorkKinds.UploadVolume] = static (backend, _, request, text) => ((StorageService)backend.Get<IVolumeContent>()).UploadAgainAsync(Read<VolumeSpec>(After(text)), First(text), request),
        [WorkKinds.CreatePool] = static (backend, id, request, text) => backend.Get<IStoragePools>().CreatePoolAsync(Pool(id, text), request),
        [WorkKinds.DeletePool] = static (backend, id, request, _) => backend.Get<IStoragePools>().DeletePoolAsync(PoolName.Parse(id), request),
        [WorkKinds.CloneVolume] = static (backend, id, request, text) => backend.Get<IStorageBackend>().CloneAsync(VolumeId.Parse(id), Read<VolumeSpec>(After(text)), First(text) == "linked" ? CloneMode.Linked : CloneMode.Full, request),
        [WorkKinds.ResizeVolume] = static (backend, id, request, text) => backend.Get<IStorageBackend>().ResizeAsync(VolumeId.Parse(id), ByteSize.Parse(text), request),
        [WorkKinds.FlattenVolume] = static (backend, id, request, _) => backend.Get<IVolumeFlattening>().FlattenAsync(VolumeId.Parse(id), request),
        ["press-keys"] = static (backend, id, _, text) => backend.Get<IKeyboard>().PressAsync(InstanceId.Parse(id), text.Split(' ')),
        [WorkKinds.DeleteVolume] = static (backend, id, request, _) => backend.Get<IStorageBackend>().DeleteAsync(VolumeId.Parse(id), request),
        ["find-volume"] = static (backend, id, _, _) => backend.Get<IStorageBackend>().FindAsync(VolumeId.Parse(id)),
        ["list-volumes"] = static (backend, id, _, _) => backend.Get<IStorageBackend>().ListVolumes(PoolName.Parse(id)).GetPageAsync(null, 1),
        ["download-volume"] = static (backend, id, _, _) => EndAsync(backend.Get<IVolumeContent>().DownloadAsync(VolumeId.Parse(id))),
        ["attach"] = static (backend, id, _, text) => backend.Get<IStorageBackend>().AttachAsync(VolumeId.Parse(id), Read<VolumeConsumer>(After(text)), Enum.Parse<VolumeAccess>(First(text))),
        ["detach"] = static (backend, id, _, _) => backend.Get<IStorageBackend>().DetachAsync(id),
        ["look-up"] = static (backend, id, _, _) => backend.Get<IRequestLog>().LookUpAsync(CallText.ReadRequest(id) ?? throw new FormatException($"'{id}' is no request")),
        ["watch"] = static (backend, _, _, text) => EndAsync(WatchAsync(backend, text)),
        ["check-migration"] = static (backend, id, _, text) => backend.Get<IMigration>().CheckAsync(InstanceId.Parse(id), Read<MigrationTarget>(text)),
        ["list-snapshots"] = static (backend, id, _, _) => EndAsync(backend.Get<ISnapshots>().ListAsync(InstanceId.Parse(id))),
        ["document"] = static (backend, id, _, _) => backend.Get<INativeDocuments>().GetAsync(InstanceId.Parse(id)),
        ["list-ports"] = static (backend, id, _, _) => EndAsync(backend.Get<IPortForwards>().ListAsync(InstanceId.Parse(id))),
        ["add-port"] = static (backend, id, request, text) => backend.Get<IPortForwards>().AddAsync(InstanceId.Parse(id), Read<PortSpec>(text), request),
        ["remove-port"] = static (backend, id, request, text) => backend.Get<IPortForwards>().RemoveAsync(InstanceId.Parse(id), DeviceId.Parse(text), request),
        ["export-disk"] = static (backend, id, _, text) => ExportAsync(backend, id, text.Split(' ')),
        ["begin-backup"] = static (backend, id, _, text) => backend.Get<IBackupSource>().BeginAsync(InstanceId.Parse(id), Backup(text.Split(' '))),
        ["exec"] = static (backend, id, _, text) => backend.Get<IExec>().StartAsync(InstanceId.Parse(id), Read<CommandSpec>(text)),
        ["run"] = static (backend, id, _, text) => RunAsync(backend, id, text),
        ["guest-info"] = static (backend, id, _, _) => backend.Get<IGuestAgent>().GetInfoAsync(InstanceId.Parse(id)),
        ["read-file"] = static (backend, id, _, text) => EndAsync(backend.Get<IGuestFiles>().OpenReadAsync(InstanceId.Parse(id), CallText.ReadWord(text))),
        ["write-file"] = static (backend, id, _, text) => WriteFileAsync(backend, id, text.Split(' ', 3)),
        ["list-files"] = static (backend, id, _, text) => EndAsync(backend.Get<IGuestFiles>().ListAsync(InstanceId.Parse(id), CallText.ReadWord(text))),
        ["delete-file"] = static (backend, id, _, text) => backend.Get<IGuestFiles>().DeleteAsync(InstanceId.Parse(id), CallText.ReadWord(text)),
        ["open-console"] = static (backend, id, _, text) => backend.Get<ISerialConsole>().OpenAsync(InstanceId.Parse(id), Console(text.Split(' '))),
        ["console-log"] = static (backend, id, _, _) => EndAsync(backend.Get<ISerialConsole>().OpenLogAsync(InstanceId.Parse(id), 0)),
        ["open-screen"] = static (backend, id, _, _) => backend.Get<IGraphicsConsole>().OpenAsync(InstanceId.Parse(id)),
        ["capture-screen"] = static (backend, id, _, _) => backend.Get<IGraphicsConsole>().CaptureAsync(InstanceId.Parse(id)),
    };

    /// <summary>The calls that change nothing and are refused by no more than what befalls a call on its way.</summary>
    public static IReadOnlySet<string> Questions { get; } = new HashSet<string>(StringComparer.Ordinal) { "health", "list", "list-pools", "list-nodes", "list-networks", "list-images", "metrics", "node-metrics", "resume-operation" };

    /// <summary>The names of the calls that are made again.</summary>
    public static IReadOnlyCollection<string> Names => s_calls.Keys;

    /// <summary>Makes a call of a line again; false for a question, which changes nothing.</summary>
    public static bool TryBegin(IBackend backend, string action, string subject, RequestOptions request, string arguments, [NotNullWhen(true)] out Task? call)
    {
        bool isKnown = s_calls.TryGetValue(action, out var make);
        call = isKnown ? make!(backend, subject, request, arguments) : null;
        return isKnown;
    }

    /// <summary>Whether a call moves an instance to another backend, and which.</summary>
    public static bool TryReadMove(string details, out BackendName backend)
    {
        backend = default;
        if (!details.StartsWith(WorkKinds.Migrate + " ", StringComparison.Ordinal))
            return false;
        string arguments = CallText.Read(After(details)).Arguments;
        if (arguments.IndexOf("} {", StringComparison.Ordinal) is >= 0 and var end && Read<MigrationTarget>(arguments[..(end + 1)]).Backend is { } name)
            backend = name;
        return !backend.IsDefault;
    }

    // What is read is read before anything is awaited: a line that cannot be read is said at once.
    private static Task<Operation<Instance>> ApplyAsync(IBackend backend, string id, RequestOptions request, string text)
    {
        var accept = (ChangeEffects)int.Parse(Value(First(text)), CultureInfo.InvariantCulture);
        text = After(text);
        var plan = new ChangePlan { Instance = new InstanceRef(backend.Name, InstanceId.Parse(id)), BasedOn = Revision.Parse(Value(First(text))), Change = Read<InstanceChange>(After(text)), Steps = [] };
        return Compute(backend, id).ApplyAsync(plan, new ApplyOptions { Accept = accept }, request);
    }

    private static Task<Operation<Instance>> MoveDiskAsync(IBackend backend, string id, RequestOptions request, string text)
    {
        string[] words = text.Split(' ', 3);
        var options = words[1] == "-" ? null : new DiskMoveOptions { MaxBandwidthPerSecond = new ByteSize(long.Parse(words[1], CultureInfo.InvariantCulture)) };
        return backend.Get<IDiskMoving>().MoveAsync(InstanceId.Parse(id), DeviceId.Parse(words[0]), words[2] == "-" ? null : Read<VolumeAttachment>(words[2]), options, request);
    }

    private static Task<Operation<Instance>> MigrateAsync(IBackend backend, string id, RequestOptions request, string text)
    {
        int end = text.IndexOf("} {", StringComparison.Ordinal) + 1;
        return backend.Get<IMigration>().MigrateAsync(InstanceId.Parse(id), Read<MigrationTarget>(text[..end]), Read<MigrationOptions>(text[(end + 1)..]), request);
    }

    private static Task<Subscription> WatchAsync(IBackend backend, string after)
    {
        // Whose events they are does not matter: what can be refused is the position.
        ICompute compute = backend.TryGet<IHypervisor>(out var hypervisor) ? hypervisor : backend.Get<IContainerRuntime>();
        return compute.WatchAsync(new WatchOptions { After = after.Length == 0 ? null : EventPosition.Parse(CallText.ReadWord(after)) });
    }

    private static Task<CommandResult> RunAsync(IBackend backend, string id, string text)
    {
        int length = int.Parse(First(text), NumberStyles.None, CultureInfo.InvariantCulture);
        text = After(text);
        if (length > text.Length)
            throw new FormatException($"its input is shorter than {length} bytes");
        return backend.Get<ICommands>().RunAsync(InstanceId.Parse(id), Read<CommandSpec>(text[length..]), SessionLog.Bytes(text[..length]));
    }

    private static Task WriteFileAsync(IBackend backend, string id, string[] words)
    {
        var content = new MemoryStream(SessionLog.Bytes(words[2]), writable: false);
        return backend.Get<IGuestFiles>().WriteAsync(InstanceId.Parse(id), CallText.ReadWord(words[0]), content, words[1] == "-" ? null : Read<GuestFileAttributes>(words[1]));
    }

    private static Task<DiskExport> ExportAsync(IBackend backend, string id, string[] words) => backend.Get<IDiskExports>().ExportAsync(
        InstanceId.Parse(id), DeviceId.Parse(words[0]), new DiskExportOptions { Listen = words[1] == "-" ? null : System.Net.IPAddress.Parse(words[1]), Quiesce = words[2] == "quiesce" });

    private static BackupOptions Backup(string[] words) => new() { SinceCheckpoint = words[0] == "since" ? CallText.ReadWord(words[1]) : null, Quiesce = words[^1] == "quiesce" };

    private static ConsoleOptions Console(string[] words) => new() { Port = int.Parse(Value(words[0]), NumberStyles.None, CultureInfo.InvariantCulture), TakeOver = Value(words[1]) == "1" };

    /// <summary>Lets go of what was opened: nobody reads it.</summary>
    private static async Task EndAsync<T>(Task<T> opened)
        where T : IAsyncDisposable => await (await opened.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);

    private static async Task EndAsync<T>(IAsyncEnumerable<T> list)
    {
        await foreach (var _ in list.ConfigureAwait(false))
        {
        }
    }

    private static StopOptions Stop(string text)
    {
        string[] words = text.Split(' ');
        return new StopOptions { GracePeriod = new TimeSpan(long.Parse(Value(words[0]), CultureInfo.InvariantCulture)), ForceAfterGrace = Value(words[1]) == "1" };
    }

    /// <summary>The role of what has the id now; each role knows its own kind only.</summary>
    private static ICompute Compute(IBackend backend, string id) =>
        ((SimulatedBackend)backend).World.Find(InstanceId.Parse(id)) is { Kind: InstanceKind.Container } || !backend.TryGet<IHypervisor>(out var hypervisor) ? backend.Get<IContainerRuntime>() : hypervisor;

    private static StoragePoolSpec Pool(string name, string text)
    {
        var spec = new StoragePoolSpec { Name = PoolName.Parse(name) };
        foreach (string setting in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            spec.Settings[setting[..setting.IndexOf('=', StringComparison.Ordinal)]] = Uri.UnescapeDataString(Value(setting));
        return spec;
    }

    private static string First(string text) => text.Split(' ', 2)[0];

    private static string After(string text) => text.Split(' ', 2)[1];

    private static string Value(string word) => word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..];

    private static T Read<T>(string text)
        where T : notnull => ModelJson.Default.Read<T>(Encoding.UTF8.GetBytes(text));
}
