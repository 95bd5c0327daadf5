using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>The way that a guest's memory takes, as the target's options say: through this process, or from QEMU to QEMU by TCP, encrypted or not, by one connection or several.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationRoute : IAsyncDisposable
{
    /// <summary>What either QEMU calls its certificates.</summary>
    public const string Credentials = "hv-migration-tls";

    private readonly MigrationRelay? _relay;

    private MigrationRoute(string uri, MigrationRelay? relay) => (SourceUri, _relay) = (uri, relay);

    /// <summary>Where the source's QEMU connects to.</summary>
    public string SourceUri { get; }

    /// <summary>Why the two ends do not agree on encryption; null when they do.</summary>
    public static string? Obstacle(string source, bool sourceHasTls, QemuServices target)
    {
        var to = target.Options.Migration;
        if (IsEncrypted(to) && !sourceHasTls)
            return $"'{target.Name}' takes guests in by TLS, and '{source}' has no {nameof(QemuMigrationOptions.TlsDirectory)}.";
        if (to.Address is { } address && WhyNotAt(address) is { } why)
            return $"'{target.Name}' takes guests in at {address} ({nameof(QemuMigrationOptions)}.{nameof(QemuMigrationOptions.Address)}), where its host cannot listen: {why}.";
        return to is { Address: not null, TlsDirectory: null } && sourceHasTls
            ? $"'{source}' gives guests away by TLS, and '{target.Name}' has no {nameof(QemuMigrationOptions.TlsDirectory)}: its memory would go over the network unencrypted."
            : null;
    }

    private static string? WhyNotAt(IPAddress address)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            return null;
        }
        catch (SocketException error)
        {
            return error.Message;
        }
    }

    /// <summary>Hands the target's QEMU its certificates, where they are used.</summary>
    /// <returns>What the source must know of the way.</returns>
    public static async Task<MigrationWay> PrepareAsync(MachineChange target, CancellationToken cancellationToken)
    {
        var options = target.Services.Options.Migration;
        if (IsEncrypted(options))
            await AddCredentialsAsync(await target.MonitorAsync(cancellationToken).ConfigureAwait(false), options.TlsDirectory!, QCryptoTLSCredsEndpoint.Server, cancellationToken).ConfigureAwait(false);
        // The name that the target must prove to have.
        return new MigrationWay { IsEncrypted = IsEncrypted(options), HostName = options.TlsHostName ?? options.Address?.ToString(), Channels = options.Channels };
    }

    /// <summary>Hands the source's QEMU its certificates, where they are used.</summary>
    public static async Task PrepareSourceAsync(MachineChange source, MigrationWay way, CancellationToken cancellationToken)
    {
        if (way.IsEncrypted)
            await AddCredentialsAsync(await source.MonitorAsync(cancellationToken).ConfigureAwait(false), source.Services.Options.Migration.TlsDirectory!, QCryptoTLSCredsEndpoint.Client, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Prepares the source's QEMU, and lets the target's listen, which waits.</summary>
    public static async Task<MigrationRoute> OpenAsync(MachineChange source, IMigrationTarget target, MigrationWay way, bool isPostCopy, CancellationToken cancellationToken)
    {
        var sender = await source.MonitorAsync(cancellationToken).ConfigureAwait(false);
        // What the guest has written last is copied when it stands still, before its disks are let go; and what goes on before all has come is decided before.
        var pause = new MigrationCapabilityStatus { Capability = MigrationCapability.PauseBeforeSwitchover, State = isPostCopy || MigrationStorage.DisksOf(source.Config).Count > 0 };
        await sender.MigrateSetCapabilitiesAsync([Multifd(way.Channels), PostCopy(isPostCopy), pause], cancellationToken).ConfigureAwait(false);
        await sender.MigrateSetParametersAsync(Parameters(way.IsEncrypted, way.Channels, way.HostName), cancellationToken).ConfigureAwait(false);
        return await ReopenAsync(source, target, await target.ListenAsync(isPostCopy, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets the target's QEMU listen, which waits.</summary>
    /// <returns>Where.</returns>
    public static async Task<string> ListenAsync(MachineChange target, bool isPostCopy, CancellationToken cancellationToken)
    {
        var options = target.Services.Options.Migration;
        var receiver = await target.MonitorAsync(cancellationToken).ConfigureAwait(false);
        // Its images stay the source's until the guest is let go at the target.
        var late = new MigrationCapabilityStatus { Capability = MigrationCapability.LateBlockActivate, State = true };
        await receiver.MigrateSetCapabilitiesAsync([late, Multifd(options.Channels), PostCopy(isPostCopy)], cancellationToken).ConfigureAwait(false);
        await receiver.MigrateSetParametersAsync(Parameters(IsEncrypted(options), options.Channels, null), cancellationToken).ConfigureAwait(false);
        if (options.Address is not { } address)
        {
            await receiver.MigrateIncomingAsync(MigrationRelay.Uri, cancellationToken: cancellationToken).ConfigureAwait(false);
            return MigrationRelay.Uri;
        }

        await receiver.MigrateIncomingAsync(UriOf(address, "0"), cancellationToken: cancellationToken).ConfigureAwait(false);
        var info = await receiver.QueryMigrateAsync(cancellationToken).ConfigureAwait(false);
        string port = info.SocketAddress?.Select(listening => listening.Inet?.Port).FirstOrDefault(port => port is not null)
            ?? throw new HypervisorException("The target's QEMU does not say on which port it takes the guest in.", ErrorCode.Unspecified, RequestOutcome.FailedMidway);
        return UriOf(address, port);
    }

    /// <summary>Lets the target's QEMU listen for another way, in the place of one that was cut after its guest went on there. A QEMU whose guest waits for memory hears only what is said out of band, and says nothing of its port.</summary>
    /// <param name="target">The target.</param>
    /// <param name="listening">Where it was told to before; null for nowhere.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Where it listens.</returns>
    public static async Task<string> ListenAgainAsync(MachineChange target, string? listening, CancellationToken cancellationToken)
    {
        var receiver = await target.MonitorAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // It may not have noticed: a connection whose other end is silent looks whole.
            await receiver.MigratePauseAsync(outOfBand: true, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            // It has.
        }

        string uri = target.Services.Options.Migration.Address is { } address ? UriOf(address, FreePort(address)) : MigrationRelay.Uri;
        try
        {
            await receiver.MigrateRecoverAsync(uri, outOfBand: true, cancellationToken).ConfigureAwait(false);
            return uri;
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected && (listening is not null || uri == MigrationRelay.Uri))
        {
            // It listens already, and nobody has come.
            return listening ?? uri;
        }
    }

    /// <summary>The way to where the target's QEMU listens.</summary>
    public static async Task<MigrationRoute> ReopenAsync(MachineChange source, IMigrationTarget target, string listening, CancellationToken cancellationToken) =>
        new(listening, listening == MigrationRelay.Uri ? await MigrationRelay.OpenAsync(source, target, MigrationRelay.SocketName, cancellationToken).ConfigureAwait(false) : null);

    /// <summary>A port that nobody has at this moment. One that somebody takes before QEMU does is refused by it, and another is tried.</summary>
    private static string FreePort(IPAddress address)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        if (_relay is not null)
            await _relay.DisposeAsync().ConfigureAwait(false);
    }

    private static bool IsEncrypted(QemuMigrationOptions options) => options is { Address: not null, TlsDirectory: not null };

    private static string UriOf(IPAddress address, string port) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"tcp:[{address}]:{port}" : $"tcp:{address}:{port}";

    private static MigrationCapabilityStatus Multifd(int channels) => new() { Capability = MigrationCapability.Multifd, State = channels > 1 };

    private static MigrationCapabilityStatus PostCopy(bool isPostCopy) => new() { Capability = MigrationCapability.PostcopyRam, State = isPostCopy };

    /// <summary>All of them are said every time: what an earlier move has left does not hold.</summary>
    private static MigrateSetParameters Parameters(bool isEncrypted, int channels, string? hostName) => new()
    {
        TlsCreds = new StrOrNull { S = isEncrypted ? Credentials : "" },
        TlsHostname = new StrOrNull { S = isEncrypted ? hostName ?? "" : "" },
        MultifdChannels = (byte)Math.Max(2, channels),
    };

    private static async Task AddCredentialsAsync(QmpClient client, string directory, QCryptoTLSCredsEndpoint endpoint, CancellationToken cancellationToken)
    {
        try
        {
            // Of an earlier move; certificates are read when the object is made.
            await client.ObjectDelAsync(Credentials, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            // There was none.
        }

        await client.ObjectAddAsync(
            new ObjectOptions { Id = Credentials, TlsCredsX509 = new TlsCredsX509Properties { Dir = directory, Endpoint = endpoint, VerifyPeer = true } }, cancellationToken).ConfigureAwait(false);
    }
}
