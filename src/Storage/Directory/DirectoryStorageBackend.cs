using System.Diagnostics.CodeAnalysis;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>
/// Volumes as qcow2 and raw files in directories, on this machine. A volume's id is <c>pool/name.format</c>; what states its format is the ending of its name, and nothing is probed. Roles and features:
/// <see cref="IStorageBackend"/>, <see cref="IStoragePools"/>, <see cref="IVolumeContent"/>, <see cref="IVolumeFlattening"/>, <see cref="IVolumeImport"/>, <see cref="IRequestLog"/>. Safe to use from several threads;
/// several backends may use one directory, in several processes too.
/// </summary>
/// <remarks>
/// A crash at any moment leaves every volume as it was before or as it should become: a new volume is prepared beside the others and gets its name last. What a dead process had begun is undone, or found finished,
/// by the next one that changes something in the pool.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed partial class DirectoryStorageBackend : IBackend, IStorageBackend, IStoragePools, IVolumeContent, IVolumeFlattening, IVolumeImport, IRequestLog
{
    /// <summary>The kind of this driver: <c>directory</c>.</summary>
    public const string Kind = "directory";

    private readonly DirectoryStorageOptions _options;
    private readonly QemuImg _tool;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly IDurableSeam? _seam;
    private readonly NodeName _node;
    private int _isClosed;

    private DirectoryStorageBackend(BackendName name, DirectoryStorageOptions options, TimeProvider? timeProvider, ILogger? logger, IDurableSeam? seam)
    {
        Name = name;
        _options = Copy(options);
        _tool = new QemuImg(new QemuImgOptions { Program = _options.QemuImg });
        _timeProvider = timeProvider ?? TimeProvider.System;
        _logger = logger ?? NullLogger.Instance;
        _seam = seam;
        _node = NodeName.Parse(_options.Node);
        Info = null!;
    }

    /// <inheritdoc />
    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged;

    /// <inheritdoc />
    public BackendName Name { get; }

    /// <inheritdoc />
    public BackendInfo Info { get; private set; }

    /// <inheritdoc />
    public BackendConnectionState ConnectionState => Volatile.Read(ref _isClosed) == 0 ? BackendConnectionState.Connected : BackendConnectionState.Closed;

    /// <summary>Opens the pools, asks qemu-img for its version, and undoes what a dead process had begun.</summary>
    /// <param name="name">The name under which the application knows the backend.</param>
    /// <param name="options">Where the pools are. Copied.</param>
    /// <param name="timeProvider">The clock. Default: the system's.</param>
    /// <param name="logger">Is told what had to be undone, and which files are no volumes. Default: nobody is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    /// <exception cref="HypervisorException">A directory cannot be opened, or qemu-img cannot be run.</exception>
    public static Task<DirectoryStorageBackend> OpenAsync(BackendName name, DirectoryStorageOptions options, TimeProvider? timeProvider = null, ILogger? logger = null, CancellationToken cancellationToken = default) =>
        OpenAsync(name, options, null, timeProvider, logger, cancellationToken);

    /// <inheritdoc />
    public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        service = typeof(TService) == typeof(IStoragePools) && _newPools is null ? null : this as TService;
        return service is not null && typeof(TService).IsInterface;
    }

    /// <inheritdoc />
    public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default)
    {
        if (capability == Capability.LinkedClones || capability == Capability.RequestLog || capability == Capability.AtomicRevision || capability == Capability.UniqueNames || capability == Capability.MigrationHandover)
            return new(CapabilityAnswer.Yes);
        if (capability == Capability.ResumableOperations)
            return new(CapabilityAnswer.No("Work ends with the process that does it, and is undone; look the request up."));
        return new(default(CapabilityAnswer));
    }

    /// <inheritdoc />
    public async Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default)
    {
        long start = _timeProvider.GetTimestamp();
        try
        {
            foreach (var pool in Pools)
            {
                pool.Directory.GetSpace();
                pool.Directory.List();
            }

            await _tool.GetVersionAsync(cancellationToken).ConfigureAwait(false);
            return new BackendHealth { IsHealthy = true, RoundTrip = _timeProvider.GetElapsedTime(start) };
        }
        catch (HypervisorException error)
        {
            return new BackendHealth { IsHealthy = false, RoundTrip = _timeProvider.GetElapsedTime(start), Problem = error.Message };
        }
    }

    /// <summary>Cancels the work under way, waits until it is undone, and closes the directories.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
            return;
        foreach (var operation in _operations.Values)
        {
            await operation.TryCancelAsync(CancellationToken.None).ConfigureAwait(false);
            await ((IEnding)operation).Ended.ConfigureAwait(false);
        }

        foreach (var pool in Pools)
            pool.Dispose();
        _newPools?.Dispose();
        ConnectionChanged?.Invoke(this, new BackendConnectionChangedEventArgs { Backend = Name, From = BackendConnectionState.Connected, To = BackendConnectionState.Closed });
    }

    internal static async Task<DirectoryStorageBackend> OpenAsync(BackendName name, DirectoryStorageOptions options, IDurableSeam? seam, TimeProvider? timeProvider, ILogger? logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (name.IsDefault)
            throw new ArgumentException("A backend name is needed.", nameof(name));
        options.Validate();
        var backend = new DirectoryStorageBackend(name, options, timeProvider, logger, seam);
        try
        {
            string version = await backend._tool.GetVersionAsync(cancellationToken).ConfigureAwait(false);
            backend.Info = new BackendInfo
            {
                Kind = Kind,
                ServerVersion = version,
                ParsedVersion = Version.TryParse(version, out var parsed) ? parsed : null,
                Endpoint = new Uri("file://" + Path.GetFullPath(backend._options.NewPoolsDirectory ?? backend._options.Pools.First().Value)),
                Naming = DirectoryStorageOptions.VolumeNames,
            };
            await backend.OpenPoolsAsync(cancellationToken).ConfigureAwait(false);
            return backend;
        }
        catch
        {
            await backend.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static DirectoryStorageOptions Copy(DirectoryStorageOptions options)
    {
        var copy = new DirectoryStorageOptions
        {
            NewPoolsDirectory = options.NewPoolsDirectory,
            Node = options.Node,
            IsShared = options.IsShared,
            QemuImg = options.QemuImg,
            FileMode = options.FileMode,
            RequestRetention = options.RequestRetention,
        };
        foreach (var (pool, path) in options.Pools)
            copy.Pools.Add(pool, path);
        return copy;
    }
}
