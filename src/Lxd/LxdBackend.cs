using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Consoles;
using Hypervisor.Sdk.Lxd.Driver;
using Hypervisor.Sdk.Lxd.Storage;

namespace Hypervisor.Sdk.Lxd;

/// <summary>
/// The containers of an LXD or Incus server, those that others have made included. Plays <see cref="IContainerRuntime"/> and the features that <see cref="TryGet{TService}"/> hands out. A container's id is its name. A connection
/// that ends is made again; a call that was under way is not repeated.
/// </summary>
/// <remarks>
/// Labels are <c>user.*</c> keys of a container's configuration; what this driver keeps itself is in <c>user.hvsdk.*</c>. The last 16 requests stand there too, so that another process can look them up.
/// What a console has printed (<see cref="ISerialConsole.OpenLogAsync"/>) a server gives to who asks first, and to nobody again. So it is kept in this process, for the container's present or last run: at most 1 MiB of a container and 64 MiB of all. After a
/// restart of this process, what it had read before is not known any more; nor is what another program has read, nor what was printed beyond the server's buffer of 128 KiB between two reads.
/// </remarks>
public sealed class LxdBackend : DriverBackend
{
    internal const string LxdKind = "lxd";
    internal const string IncusKind = "incus";

    private readonly LxdParts _parts;
    private readonly LxdConsole _console;
    private readonly IReadOnlyList<object> _services;

    private LxdBackend(LxdParts parts)
        : base(parts.Name, InfoOf(parts.Client))
    {
        _parts = parts;
        var work = new ContainerWork(parts, () => ThrowIfClosed());
        var containers = new LxdContainers(parts, work);
        var storage = new LxdStorage(parts, work);
        _console = new LxdConsole(parts, work);
        _services =
        [
            storage, new LxdPools(parts, work),
            new LxdPorts(parts, work), new LxdNetworks(parts, work), new LxdImages(parts, work), new LxdProjects(parts, work), new LxdWarnings(parts, work),
            containers, new LxdPower(work), new LxdBackendLog(parts, work, storage), new InstanceLanes(LaneMode.Shared),
            new LxdSnapshots(parts, work), new LxdClones(parts, work, containers),
            new LxdExec(parts, work), new LxdFiles(parts, work), _console, new LxdMetrics(parts, work),
        ];
        parts.News.ConnectionChanged = reason => MoveTo(reason is null ? BackendConnectionState.Connected : BackendConnectionState.Disconnected, reason);
    }

    /// <summary>The client beneath: every operation of the server's API.</summary>
    public LxdClient Client => _parts.Client;

    /// <summary>Connects to a server, and subscribes to what happens to its containers.</summary>
    /// <param name="options">Which one; null for the one of this machine, found by its socket.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">An option is not acceptable.</exception>
    /// <exception cref="HypervisorException">The server cannot be reached, does not trust this client, or is of another kind than was asked for.</exception>
    public static async Task<LxdBackend> ConnectAsync(LxdBackendOptions? options = null, CancellationToken cancellationToken = default)
    {
        options = (options ?? new LxdBackendOptions()).Validated();
        var client = await LxdClient.ConnectAsync(options.Connection, cancellationToken).ConfigureAwait(false);
        LxdNewsReader? news = null;
        try
        {
            Refuse(client, options);
            var containers = new ContainerLook(client);
            var events = new EventHub();
            news = new LxdNewsReader(client, containers, events);
            await news.BeginAsync(cancellationToken).ConfigureAwait(false);
            return new LxdBackend(new LxdParts { Name = BackendName.Parse(options.Name), Options = options, Client = client, Containers = containers, Events = events, News = news, Memory = LxdMemory.Of(client, options.Connection.Project) });
        }
        catch
        {
            if (news is not null)
                await news.DisposeAsync().ConfigureAwait(false);
            await client.DisposeAsync().ConfigureAwait(false);
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
        return new(LxdCapabilities.Answer(capability));
    }

    /// <inheritdoc />
    protected override Task PingAsync(CancellationToken cancellationToken) => _parts.Client.ServerGetAsync(cancellationToken: cancellationToken);

    /// <inheritdoc />
    protected override async ValueTask CloseAsync()
    {
        await _console.DisposeAsync().ConfigureAwait(false);
        await _parts.News.DisposeAsync().ConfigureAwait(false);
        _parts.Events.Close();
        await _parts.Client.DisposeAsync().ConfigureAwait(false);
    }

    private static void Refuse(LxdClient client, LxdBackendOptions options)
    {
        if (!client.IsTrusted)
            throw new BackendConnectionException($"The server at {client.Endpoint} does not trust this client: it needs a certificate, or a token (LxdClient.TrustAsync).", ErrorCode.Unauthenticated, RequestOutcome.Rejected);
        string kind = client.IsIncus ? IncusKind : LxdKind;
        if (options.Kind is { } wanted && wanted != kind)
            throw new HypervisorException($"The server at {client.Endpoint} is '{kind}', and '{wanted}' was asked for.", ErrorCode.InvalidArgument, RequestOutcome.NotSent);
    }

    private static BackendInfo InfoOf(LxdClient client)
    {
        string version = client.Server.Environment?.ServerVersion ?? "";
        return new BackendInfo
        {
            Kind = client.IsIncus ? IncusKind : LxdKind, ServerVersion = version, ParsedVersion = Version.TryParse(version, out var parsed) ? parsed : null, Endpoint = EndpointOf(client), Naming = ContainerRules.Naming,
        };
    }

    private static Uri EndpointOf(LxdClient client)
    {
        const string Unix = "unix:";
        return client.Endpoint.StartsWith(Unix, StringComparison.Ordinal) ? new UriBuilder("unix", "") { Path = client.Endpoint[Unix.Length..] }.Uri : new Uri("https://" + client.Endpoint[(client.Endpoint.IndexOf(':', StringComparison.Ordinal) + 1)..].TrimStart('/'));
    }
}
