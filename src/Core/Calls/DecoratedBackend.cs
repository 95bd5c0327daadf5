#pragma warning disable HVSDK001, HVSDK002, HVSDK003, HVSDK004 // Experimental services are decorated all the same.
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>A backend whose services go through the pipeline. What the model does not know is the driver's own and given as it is.</summary>
internal sealed class DecoratedBackend(IBackend inner, CallPipeline calls) : IBackend
{
    private static readonly Dictionary<Type, Func<object, CallPipeline, object>> s_decorate = new()
    {
        [typeof(ICompute)] = static (inner, calls) => new ComputeCalls((ICompute)inner, calls),
        [typeof(IContainerRuntime)] = static (inner, calls) => new ContainerRuntimeCalls((IContainerRuntime)inner, calls),
        [typeof(IHypervisor)] = static (inner, calls) => new HypervisorCalls((IHypervisor)inner, calls),
        [typeof(IBackupSource)] = static (inner, calls) => new BackupSourceCalls((IBackupSource)inner, calls),
        [typeof(ICloning)] = static (inner, calls) => new CloningCalls((ICloning)inner, calls),
        [typeof(ICommands)] = static (inner, calls) => new CommandsCalls((ICommands)inner, calls),
        [typeof(IDiskExports)] = static (inner, calls) => new DiskExportsCalls((IDiskExports)inner, calls),
        [typeof(IDiskLayers)] = static (inner, calls) => new DiskLayersCalls((IDiskLayers)inner, calls),
        [typeof(IDiskMoving)] = static (inner, calls) => new DiskMovingCalls((IDiskMoving)inner, calls),
        [typeof(IExec)] = static (inner, calls) => new ExecCalls((IExec)inner, calls),
        [typeof(IGraphicsConsole)] = static (inner, calls) => new GraphicsConsoleCalls((IGraphicsConsole)inner, calls),
        [typeof(IGuestAgent)] = static (inner, calls) => new GuestAgentCalls((IGuestAgent)inner, calls),
        [typeof(IGuestFiles)] = static (inner, calls) => new GuestFilesCalls((IGuestFiles)inner, calls),
        [typeof(IImages)] = static (inner, calls) => new ImagesCalls((IImages)inner, calls),
        [typeof(IKeyboard)] = static (inner, calls) => new KeyboardCalls((IKeyboard)inner, calls),
        [typeof(ILaneHints)] = static (inner, calls) => new LaneHintsCalls((ILaneHints)inner, calls),
        [typeof(IMetrics)] = static (inner, calls) => new MetricsCalls((IMetrics)inner, calls),
        [typeof(IMigration)] = static (inner, calls) => new MigrationCalls((IMigration)inner, calls),
        [typeof(INativeDocuments)] = static (inner, calls) => new NativeDocumentsCalls((INativeDocuments)inner, calls),
        [typeof(INetworks)] = static (inner, calls) => new NetworksCalls((INetworks)inner, calls),
        [typeof(INodes)] = static (inner, calls) => new NodesCalls((INodes)inner, calls),
        [typeof(IPausing)] = static (inner, calls) => new PausingCalls((IPausing)inner, calls),
        [typeof(IPortForwards)] = static (inner, calls) => new PortForwardsCalls((IPortForwards)inner, calls),
        [typeof(IReset)] = static (inner, calls) => new ResetCalls((IReset)inner, calls),
        [typeof(ISerialConsole)] = static (inner, calls) => new SerialConsoleCalls((ISerialConsole)inner, calls),
        [typeof(ISnapshots)] = static (inner, calls) => new SnapshotsCalls((ISnapshots)inner, calls),
        [typeof(ISuspendToDisk)] = static (inner, calls) => new SuspendToDiskCalls((ISuspendToDisk)inner, calls),
        [typeof(ITemplates)] = static (inner, calls) => new TemplatesCalls((ITemplates)inner, calls),
        [typeof(IAddressManagement)] = static (inner, calls) => new AddressManagementCalls((IAddressManagement)inner, calls),
        [typeof(IFirewall)] = static (inner, calls) => new FirewallCalls((IFirewall)inner, calls),
        [typeof(ISdn)] = static (inner, calls) => new SdnCalls((ISdn)inner, calls),
        [typeof(IOperations)] = static (inner, calls) => new OperationsCalls((IOperations)inner, calls),
        [typeof(IRequestLog)] = static (inner, calls) => new RequestLogCalls((IRequestLog)inner, calls),
        [typeof(IStorageBackend)] = static (inner, calls) => new StorageBackendCalls((IStorageBackend)inner, calls),
        [typeof(IStoragePools)] = static (inner, calls) => new StoragePoolsCalls((IStoragePools)inner, calls),
        [typeof(IVolumeContent)] = static (inner, calls) => new VolumeContentCalls((IVolumeContent)inner, calls),
        [typeof(IVolumeFlattening)] = static (inner, calls) => new VolumeFlatteningCalls((IVolumeFlattening)inner, calls),
    };

    private readonly ConcurrentDictionary<Type, (object Inner, object Decorated)> _services = new();

    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged
    {
        add => inner.ConnectionChanged += value;
        remove => inner.ConnectionChanged -= value;
    }

    public BackendName Name => inner.Name;

    public BackendInfo Info => inner.Info;

    public BackendConnectionState ConnectionState => inner.ConnectionState;

    /// <summary>The services that are decorated.</summary>
    internal static IReadOnlyCollection<Type> Services => s_decorate.Keys;

    public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        if (!inner.TryGet(out service))
            return false;
        if (!s_decorate.TryGetValue(typeof(TService), out var decorate))
            return true;

        // A driver may give another service after it has connected again.
        if (!_services.TryGetValue(typeof(TService), out var known) || !ReferenceEquals(known.Inner, service))
            _services[typeof(TService)] = known = (service, decorate(service, calls));
        service = (TService)known.Decorated;
        return true;
    }

    public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("backend.query", target.Instance, null, false), (inner, capability, target), static (s, token) => s.inner.QueryAsync(s.capability, s.target, token), cancellationToken);

    public Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("backend.checkHealth", null, null, false), inner, static (s, token) => s.CheckHealthAsync(token), cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
