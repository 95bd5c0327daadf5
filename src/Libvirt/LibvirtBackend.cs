using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Backups;
using Hypervisor.Sdk.Libvirt.Consoles;
using Hypervisor.Sdk.Libvirt.DiskStorage;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Guests;
using Hypervisor.Sdk.Libvirt.Hosts;
using Hypervisor.Sdk.Libvirt.Migration;
using Hypervisor.Sdk.Libvirt.Networks;
using Hypervisor.Sdk.Libvirt.Snapshots;
using Hypervisor.Sdk.Libvirt.Storage;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>
/// The machines of a libvirt daemon, or its containers (<c>lxc:///</c>), those that others have made included. Plays <see cref="IHypervisor"/> or <see cref="IContainerRuntime"/>, and the features that <see cref="TryGet{TService}"/>
/// hands out. A connection that ends is made again; a call that was under way is not repeated.
/// </summary>
/// <remarks>
/// What this driver keeps about a machine (labels, request ids, which volumes are its own) is in the domain's metadata, in namespaces of its own. A machine's id is its UUID. Stopping a machine that the daemon does not keep when it
/// does not run (a transient domain) is its end.
/// </remarks>
public sealed class LibvirtBackend : DriverBackend
{
    internal const string Kind = "libvirt";

    private readonly LibvirtParts _parts;
    private readonly IReadOnlyList<object> _services;

    private LibvirtBackend(LibvirtParts parts)
        : base(parts.Name, new BackendInfo { Kind = Kind, ServerVersion = parts.Host.Version.ToString(), ParsedVersion = parts.Host.Version, Endpoint = parts.Uri.Endpoint, Naming = parts.Naming })
    {
        _parts = parts;
        _services =
        [
            parts.IsContainers ? new LibvirtContainers(this, parts) : new LibvirtHypervisor(this, parts), new LibvirtPausing(parts.Work), new LibvirtRequestLog(parts), new InstanceLanes(LaneMode.Shared), new LibvirtNetworks(parts), new LibvirtMetrics(parts),
            new LibvirtDocuments(parts), .. parts.IsContainers ? [new LibvirtSerialConsole(parts)] : ServicesOfMachines(parts), .. ServicesOfStorage(parts),
        ];
        if (!parts.IsContainers)
            MigrationPeers.Add(parts);
        parts.Link.Changed = reason => MoveTo(reason is null ? BackendConnectionState.Connected : BackendConnectionState.Disconnected, reason);
    }

    /// <summary>What machines have beside. libvirt's test driver runs no guests: there is nothing about their inside.</summary>
    private static IEnumerable<object> ServicesOfMachines(LibvirtParts parts)
    {
        yield return new LibvirtPower(parts.Work);
        var snapshots = new LibvirtSnapshots(parts);
        yield return snapshots;
        yield return new LibvirtScreens(parts);
        if (parts.IsTestDriver)
            yield break;
        var agents = new AgentChannel(parts);
        yield return new LibvirtExternalSnapshots(snapshots);
        yield return new LibvirtSerialConsole(parts);
        yield return new LibvirtKeyboard(parts);
        yield return new LibvirtGuestAgent(agents);
        var commands = new LibvirtCommands(agents);
        yield return commands;
        yield return new GuestAgentFiles(commands, (id, path, mode) => LibvirtAgentFile.OpenAsync(agents, id, path, mode), parts.Name);
        yield return new LibvirtMigration(parts);
        yield return new LibvirtDiskStorage(parts);
        if (LibvirtCapabilities.WhyNoBackups(parts) is null)
            yield return new LibvirtBackups(parts);
    }

    /// <summary>What the daemon's other drivers do. libvirt's test driver has pretences of them only.</summary>
    private static object[] ServicesOfStorage(LibvirtParts parts) => parts.IsTestDriver ? [] :
    [
        new LibvirtStorage(parts), new LibvirtPools(parts), new LibvirtNetworkKeeper(parts), new LibvirtFilters(parts), new LibvirtSecrets(parts), new LibvirtHostFacts(parts),
    ];

    /// <summary>Connects to the daemon at an address, with the defaults of <see cref="LibvirtBackendOptions"/>.</summary>
    /// <inheritdoc cref="ConnectAsync(LibvirtBackendOptions, CancellationToken)"/>
    public static Task<LibvirtBackend> ConnectAsync(string uri, CancellationToken cancellationToken = default) => ConnectAsync(new LibvirtBackendOptions { Uri = uri }, cancellationToken);

    /// <summary>Connects to a daemon, and subscribes to what happens to its machines.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">An option is not acceptable.</exception>
    /// <exception cref="HypervisorException">The daemon cannot be reached or refuses.</exception>
    public static Task<LibvirtBackend> ConnectAsync(LibvirtBackendOptions options, CancellationToken cancellationToken = default) => ConnectAsync(options, null, cancellationToken);

    /// <summary>The same with a memory of its own, as another process would have it.</summary>
    internal static async Task<LibvirtBackend> ConnectAsync(LibvirtBackendOptions options, LibvirtServer? memory, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var validated = options.Validated();
        var (uri, time) = (new LibvirtUri(validated.Uri), validated.Connection.TimeProvider);
        var link = new LibvirtLink(token => LibvirtConnection.ConnectAsync(uri, validated.Connection, token), time);
        var events = new EventHub(time);
        var news = new LibvirtNews(events, time);
        link.Opening = async (libvirt, token) =>
        {
            var subscription = await LibvirtNews.SubscribeAsync(libvirt, token).ConfigureAwait(false);
            await news.BeginAsync(libvirt, await LibvirtDomains.ListAsync(libvirt, token).ConfigureAwait(false), subscription).ConfigureAwait(false);
        };
        try
        {
            var host = await LibvirtHost.ProbeAsync(await link.GetAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            var (domains, server, name) = (new LibvirtDomains(link), memory ?? LibvirtServer.Of(host.Identity, time), BackendName.Parse(validated.Name));
            return new LibvirtBackend(new LibvirtParts
            {
                Name = name, Options = validated, Uri = uri, Link = link, Host = host, Server = server, Domains = domains, News = news, Events = events,
                Work = new LibvirtWork(link, server, domains, news, name, validated.DefaultDeadline),
                Disks = new LibvirtDisks(validated, host),
            });
        }
        catch
        {
            await link.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc />
    public override bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        service = _services.OfType<TService>().FirstOrDefault();
        return service is not null;
    }

    /// <inheritdoc />
    public override ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(LibvirtCapabilities.Answer(_parts, capability, target));
    }

    /// <inheritdoc />
    protected override async Task PingAsync(CancellationToken cancellationToken)
    {
        var libvirt = await _parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        await libvirt.ConnectGetLibVersionAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override async ValueTask CloseAsync()
    {
        MigrationPeers.Remove(_parts);
        foreach (var service in _services.OfType<IAsyncDisposable>())
            await service.DisposeAsync().ConfigureAwait(false);
        await _parts.Link.DisposeAsync().ConfigureAwait(false);
        await _parts.News.EndAsync().ConfigureAwait(false);
        _parts.Events.Close();
    }
}
