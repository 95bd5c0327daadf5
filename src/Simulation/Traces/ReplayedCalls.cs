using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Storage;
using Hypervisor.Sdk.Simulation.Works;

namespace Hypervisor.Sdk.Simulation.Traces;

/// <summary>The calls that change something, read back from their lines. A new kind of call adds its line here.</summary>
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
    };

    /// <summary>Makes a call of a line again; false for a question, which changes nothing.</summary>
    public static bool TryBegin(IBackend backend, string action, string subject, RequestOptions request, string arguments, [NotNullWhen(true)] out Task? call)
    {
        bool isKnown = s_calls.TryGetValue(action, out var make);
        call = isKnown ? make!(backend, subject, request, arguments) : null;
        return isKnown;
    }

    private static async Task ApplyAsync(IBackend backend, string id, RequestOptions request, string text)
    {
        var accept = (ChangeEffects)int.Parse(Value(First(text)), CultureInfo.InvariantCulture);
        text = After(text);
        var plan = new ChangePlan { Instance = new InstanceRef(backend.Name, InstanceId.Parse(id)), BasedOn = Revision.Parse(Value(First(text))), Change = Read<InstanceChange>(After(text)), Steps = [] };
        await Compute(backend, id).ApplyAsync(plan, new ApplyOptions { Accept = accept }, request).ConfigureAwait(false);
    }

    private static Task<Operation<Instance>> MigrateAsync(IBackend backend, string id, RequestOptions request, string text)
    {
        int end = text.IndexOf("} {", StringComparison.Ordinal) + 1;
        return backend.Get<IMigration>().MigrateAsync(InstanceId.Parse(id), Read<MigrationTarget>(text[..end]), Read<MigrationOptions>(text[(end + 1)..]), request);
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
