using System.Diagnostics.CodeAnalysis;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Backups;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Clones;
using Hypervisor.Sdk.Qemu.Consoles;
using Hypervisor.Sdk.Qemu.Disks;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Guests;
using Hypervisor.Sdk.Qemu.Hosts;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Migration;
using Hypervisor.Sdk.Qemu.Observation;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Snapshots;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu;

/// <summary>
/// The machines of one state directory, run by QEMU without a daemon: they outlive this object and this process, and are found again by the next that connects. Several processes may use one directory at the same time.
/// Plays <see cref="IHypervisor"/> and the features that <see cref="TryGet{TService}"/> hands out.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class QemuBackend : IBackend
{
    internal const string Kind = "qemu";

    private readonly QemuServices _services;
    private readonly MachineTable _table;
    private readonly QemuSerialConsole _serial;
    private readonly MigrationSettling _settling;
    private readonly MigrationServer _migrations;
    private readonly IReadOnlyList<object> _parts;
    private int _state = (int)BackendConnectionState.Connected;

    private QemuBackend(QemuServices services)
    {
        _services = services;
        _table = new MachineTable(services);
        var contacts = new MigrationContacts(services);
        Recovery = new MachineRecovery(services, _table, contacts);
        _table.Recover = Recovery.RecoverUnheldAsync;
        var work = new MachineWork(services, _table, Recovery);
        var disks = new DiskMaker(services);
        var specs = new SpecReader(services, disks);
        var agents = new AgentChannel(services, _table);
        _serial = new QemuSerialConsole(services, _table);
        QemuSnapshots.AddRecovery(Recovery, agents);
        QemuBackups.AddRecovery(Recovery, agents);
        ChangeApplier.AddRecovery(Recovery);
        QemuDisks.AddRecovery(Recovery);
        var hypervisor = new QemuHypervisor(services, _table, work, Recovery, disks, specs);
        var backups = new QemuBackups(services, _table, work, agents);
        var peer = new LocalMigrationPeer(services, _table, Recovery, disks);
        _settling = new MigrationSettling(services, _table, Recovery);
        _table.Unsettled = _settling.Settle;
        _migrations = new MigrationServer(services, peer, _settling.Settle);
        var commands = new QemuCommands(services, agents);
        _parts =
        [
            hypervisor,
            new QemuClones(services, _table, work, hypervisor, specs),
            new QemuPower(work),
            new QemuMigration(services, _table, work, contacts),
            peer,
            _migrations,
            new QemuRequests(services, _table, work, Recovery),
            new QemuSnapshots(services, _table, work, agents),
            new QemuDisks(services, _table, work, disks),
            backups,
            new QemuDiskExports(services, _table, backups, agents),
            _serial,
            new QemuGraphicsConsole(services, _table),
            new QemuKeyboard(services, _table),
            commands,
            new GuestAgentFiles(commands, (id, path, mode) => QemuAgentFile.OpenAsync(services, agents, id, path, mode), services.Name),
            new QemuGuestAgent(agents),
            new QemuMetrics(services, _table, agents),
            services.Architectures,
            services.PciDevices,
            services.UsbDevices,
            new QemuNodes(services),
            new QemuNetworks(),
            new QemuImageList(services),
            new QemuNativeDocuments(services, _table),
            new InstanceLanes(LaneMode.Exclusive),
        ];
        Info = new BackendInfo
        {
            Kind = Kind,
            ServerVersion = services.Host.VersionText,
            ParsedVersion = services.Host.Version,
            Endpoint = new Uri(services.State.Path),
            Naming = services.Naming,
        };
    }

    /// <inheritdoc />
    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged;

    /// <inheritdoc />
    public BackendName Name => _services.Name;

    /// <inheritdoc />
    public BackendInfo Info { get; }

    /// <inheritdoc />
    public BackendConnectionState ConnectionState => (BackendConnectionState)Volatile.Read(ref _state);

    internal QemuServices Services => _services;

    internal MachineTable Table => _table;

    internal MachineRecovery Recovery { get; }

    /// <summary>Connects to where the options say: a state directory of this host, or one of <see cref="QemuOptions.Host"/>, where the program <c>hvsdk-qemu-host</c> holds the backend and this process calls it over ssh.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">An option is not acceptable.</exception>
    /// <exception cref="HypervisorException">As with <see cref="ConnectAsync(QemuOptions, CancellationToken)"/>; or the host cannot be reached, or cannot run the program.</exception>
    public static async Task<IBackend> OpenAsync(QemuOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Host is null ? await ConnectAsync(options, cancellationToken).ConfigureAwait(false) : await QemuHostConnector.ConnectAsync(options.Validated(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Opens a state directory of this host: finishes or undoes what a crash has left there, and watches the machines that run.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">An option is not acceptable.</exception>
    /// <exception cref="HypervisorException">QEMU is missing or too old, the directory cannot be used, or the accelerator that was asked for does not work.</exception>
    public static Task<QemuBackend> ConnectAsync(QemuOptions options, CancellationToken cancellationToken = default) => ConnectAsync(options, null, cancellationToken);

    /// <summary>The same with somebody who is told of every durable effect.</summary>
    internal static async Task<QemuBackend> ConnectAsync(QemuOptions options, IDurableSeam? seam, CancellationToken cancellationToken, QemuHost? knownHost = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var validated = options.Validated();
        if (validated.Host is not null)
            throw new ArgumentException($"{nameof(QemuOptions)}.{nameof(QemuOptions.Host)} is '{validated.Host}': use {nameof(QemuBackend)}.{nameof(OpenAsync)}, which connects to another host.", nameof(options));
        var host = knownHost ?? await QemuHost.ProbeAsync(validated, cancellationToken).ConfigureAwait(false);
        var images = new QemuImg(new QemuImgOptions { Program = validated.QemuImg });
        if (knownHost is null)
            await images.GetVersionAsync(cancellationToken).ConfigureAwait(false);
        var state = StateDirectory.Open(validated.StateDirectory, seam);
        QemuBackend? backend = null;
        try
        {
            backend = new QemuBackend(new QemuServices
            {
                Options = validated,
                Name = BackendName.Parse(validated.Name),
                State = state,
                Runtime = new RuntimeDirectory(validated.RuntimeDirectory!, seam),
                Host = host,
                PciDevices = new QemuPciDevices(),
                Architectures = new QemuArchitectures(host.Program, validated.Architectures, host.UsesKvm ? null : host.AcceleratorReason),
                Images = images,
                Limits = ResourceLimits.Probe(validated.LimitResources),
                Events = new EventHub(validated.TimeProvider),
                Naming = new NamingRules(),
            });
            await backend.Recovery.RecoverAllAsync(cancellationToken).ConfigureAwait(false);
            await backend._table.BeginAsync(cancellationToken).ConfigureAwait(false);
            backend._settling.Begin();
            return backend;
        }
        catch
        {
            if (backend is not null)
                await backend.DisposeAsync().ConfigureAwait(false);
            else
                state.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        service = _parts.OfType<TService>().FirstOrDefault();
        return service is not null;
    }

    /// <inheritdoc />
    public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(QemuCapabilities.Answer(_services, _table, capability, target));
    }

    /// <inheritdoc />
    public async Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default)
    {
        long begin = _services.Time.GetTimestamp();
        try
        {
            await ProgramOutput.ReadAsync(_services.Host.Program, ["--version"], cancellationToken).ConfigureAwait(false);
            _ = _table.Ids();
            return new BackendHealth { IsHealthy = true, RoundTrip = _services.Time.GetElapsedTime(begin) };
        }
        catch (HypervisorException error)
        {
            return new BackendHealth { IsHealthy = false, Problem = error.Message };
        }
    }

    /// <summary>Lets go of the directory and of the monitors; the machines run on.</summary>
    public async ValueTask DisposeAsync()
    {
        var before = (BackendConnectionState)Interlocked.Exchange(ref _state, (int)BackendConnectionState.Closed);
        if (before == BackendConnectionState.Closed)
            return;
        await _settling.DisposeAsync().ConfigureAwait(false);
        await _migrations.DisposeAsync().ConfigureAwait(false);
        await _serial.DisposeAsync().ConfigureAwait(false);
        await _table.DisposeAsync().ConfigureAwait(false);
        _services.Events.Close();
        _services.State.Dispose();
        ConnectionChanged?.Invoke(this, new BackendConnectionChangedEventArgs { Backend = Name, From = before, To = BackendConnectionState.Closed });
    }
}
