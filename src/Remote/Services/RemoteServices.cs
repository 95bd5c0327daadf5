using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary>All services of the model, with how each is called and how each is carried out: one list, so that both ends know the same.</summary>
internal static class RemoteServices
{
    private static readonly Dictionary<string, Route> s_routes = new(StringComparer.Ordinal)
    {
        ["backend.query"] = static async call => call.Write().Add(await call.Backend.QueryAsync(call.Next<Capability>(), call.Next<CapabilityTarget>(), call.Token).ConfigureAwait(false)).ToBytes(),
        ["backend.checkHealth"] = static async call => call.Write().Add(await call.Backend.CheckHealthAsync(call.Token).ConfigureAwait(false)).ToBytes(),
        ["operation.await"] = static call =>
        {
            // One that has ended meanwhile has said so.
            call.FindSubject<ServedOperation>()?.Await();
            return Task.FromResult<ReadOnlyMemory<byte>>(default);
        },
        ["operation.progress"] = static async call => call.Write().Add(await call.NextSubject<ServedOperation>().Operation.GetProgressAsync(call.Token).ConfigureAwait(false)).ToBytes(),
        ["operation.cancel"] = static async call => call.Write().Add(call.FindSubject<ServedOperation>() is { } work && await work.Operation.TryCancelAsync(call.Token).ConfigureAwait(false)).ToBytes(),
        ["operation.watch"] = static async call =>
        {
            var work = call.FindSubject<ServedOperation>();
            await call.OpenedAsync().ConfigureAwait(false);
            if (work is not null)
                await call.SendAllAsync(work.Operation.WatchAsync(call.Token)).ConfigureAwait(false);
            return default;
        },
    };

    /// <summary>The services.</summary>
    public static IReadOnlyList<RemoteService> All { get; } =
    [
        Of<ICompute>("compute", static calls => new RemoteCompute(calls, "compute"), RemoteCompute.Serve),
        Of<IHypervisor>("hypervisor", static calls => new RemoteHypervisor(calls), RemoteHypervisor.Serve),
        Of<IContainerRuntime>("containers", static calls => new RemoteContainers(calls), RemoteContainers.Serve),
        Of<IStorageBackend>("storage", static calls => new RemoteStorage(calls), RemoteStorage.Serve),
        Of<IStoragePools>("storagePools", static calls => new RemoteStoragePools(calls), RemoteStoragePools.Serve),
        Of<IVolumeContent>("volumeContent", static calls => new RemoteVolumeContent(calls), RemoteVolumeContent.Serve),
        Of<IVolumeFlattening>("volumeFlattening", static calls => new RemoteVolumeFlattening(calls), RemoteVolumeFlattening.Serve),
        Of<IOperations>("operations", static calls => new RemoteOperations(calls), RemoteOperations.Serve),
        Of<IRequestLog>("requestLog", static calls => new RemoteRequestLog(calls), RemoteRequestLog.Serve),
        Of<ISnapshots>("snapshots", static calls => new RemoteSnapshots(calls), RemoteSnapshots.Serve),
        Of<ICloning>("cloning", static calls => new RemoteCloning(calls), RemoteCloning.Serve),
        Of<ITemplates>("templates", static calls => new RemoteTemplates(calls), RemoteTemplates.Serve),
        Of<IPausing>("pausing", static calls => new RemotePausing(calls), RemotePausing.Serve),
        Of<IReset>("reset", static calls => new RemoteReset(calls), RemoteReset.Serve),
        Of<ISuspendToDisk>("suspend", static calls => new RemoteSuspend(calls), RemoteSuspend.Serve),
        Of<IMigration>("migration", static calls => new RemoteMigration(calls), RemoteMigration.Serve),
        Of<IDiskLayers>("diskLayers", static calls => new RemoteDiskLayers(calls), RemoteDiskLayers.Serve),
        Of<IDiskMoving>("diskMoving", static calls => new RemoteDiskMoving(calls), RemoteDiskMoving.Serve),
        Of<IDiskExports>("diskExports", static calls => new RemoteDiskExports(calls), RemoteDiskExports.Serve),
        Of<IBackupSource>("backup", static calls => new RemoteBackupSource(calls), RemoteBackupSource.Serve),
        Of<ISerialConsole>("console", static calls => new RemoteSerialConsole(calls), RemoteSerialConsole.Serve),
        Of<IGraphicsConsole>("graphics", static calls => new RemoteGraphicsConsole(calls), RemoteGraphicsConsole.Serve),
        Of<IKeyboard>("keyboard", static calls => new RemoteKeyboard(calls), RemoteKeyboard.Serve),
        Of<IExec>("exec", static calls => new RemoteExec(calls), RemoteExec.Serve),
        Of<ICommands>("commands", static calls => new RemoteCommands(calls), RemoteCommands.Serve),
        Of<IGuestAgent>("guestAgent", static calls => new RemoteGuestAgent(calls), RemoteGuestAgent.Serve),
        Of<IGuestFiles>("guestFiles", static calls => new RemoteGuestFiles(calls), RemoteGuestFiles.Serve),
        Of<IMetrics>("metrics", static calls => new RemoteMetrics(calls), RemoteMetrics.Serve),
        Of<INodes>("nodes", static calls => new RemoteNodes(calls), RemoteNodes.Serve),
        Of<INetworks>("networks", static calls => new RemoteNetworks(calls), RemoteNetworks.Serve),
        Of<IImages>("images", static calls => new RemoteImages(calls), RemoteImages.Serve),
        Of<INativeDocuments>("nativeDocuments", static calls => new RemoteNativeDocuments(calls), RemoteNativeDocuments.Serve),
        Of<IPortForwards>("portForwards", static calls => new RemotePortForwards(calls), RemotePortForwards.Serve),
        Of<ILaneHints>("lanes", static calls => new RemoteLaneHints(calls), RemoteLaneHints.Serve),
        Of<IFirewall>("firewall", static calls => new RemoteFirewall(calls), RemoteFirewall.Serve),
        Of<ISdn>("sdn", static calls => new RemoteSdn(calls), RemoteSdn.Serve),
        Of<IBackendChannels>("channels", static calls => new RemoteChannels(calls), RemoteChannels.Serve),
        Of<IAddressManagement>("addresses", static calls => new RemoteAddressManagement(calls), RemoteAddressManagement.Serve),
    ];

    private static readonly Dictionary<Type, string> s_words = All.ToDictionary(service => service.Type, service => service.Word);

    /// <summary>How each call is carried out.</summary>
    public static IReadOnlyDictionary<string, Route> Routes => s_routes;

    /// <summary>What a service is called; null for one that both ends do not know.</summary>
    public static string? WordOf(Type type) => s_words.GetValueOrDefault(type);

    private static RemoteService Of<TService>(string word, Func<RemoteCalls, TService> make, Action<ServiceRoutes<TService>> serve)
        where TService : class
    {
        serve(new ServiceRoutes<TService>(word, s_routes));
        return new RemoteService(word, typeof(TService), make, static backend => backend.TryGet<TService>(out _));
    }
}
