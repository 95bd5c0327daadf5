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
    private const string Credentials = "hv-migration-tls";

    private readonly MigrationRelay? _relay;

    private MigrationRoute(string uri, MigrationRelay? relay) => (SourceUri, _relay) = (uri, relay);

    /// <summary>Where the source's QEMU connects to.</summary>
    public string SourceUri { get; }

    /// <summary>Why the two ends do not agree on encryption; null when they do.</summary>
    public static string? Obstacle(QemuServices source, QemuServices target)
    {
        var (from, to) = (source.Options.Migration, target.Options.Migration);
        if (IsEncrypted(to) && from.TlsDirectory is null)
            return $"'{target.Name}' takes guests in by TLS, and '{source.Name}' has no {nameof(QemuMigrationOptions.TlsDirectory)}.";
        return to is { Address: not null, TlsDirectory: null } && from.TlsDirectory is not null
            ? $"'{source.Name}' gives guests away by TLS, and '{target.Name}' has no {nameof(QemuMigrationOptions.TlsDirectory)}: its memory would go over the network unencrypted."
            : null;
    }

    /// <summary>Lets the target's QEMU, which waits, listen, and prepares the source's.</summary>
    public static async Task<MigrationRoute> OpenAsync(MachineChange source, MachineChange target, CancellationToken cancellationToken)
    {
        var options = target.Services.Options.Migration;
        var sender = await source.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var receiver = await target.MonitorAsync(cancellationToken).ConfigureAwait(false);
        if (IsEncrypted(options))
        {
            await AddCredentialsAsync(receiver, options.TlsDirectory!, QCryptoTLSCredsEndpoint.Server, cancellationToken).ConfigureAwait(false);
            await AddCredentialsAsync(sender, source.Services.Options.Migration.TlsDirectory!, QCryptoTLSCredsEndpoint.Client, cancellationToken).ConfigureAwait(false);
        }

        // Its images stay the source's until the guest is let go at the target.
        var multifd = new MigrationCapabilityStatus { Capability = MigrationCapability.Multifd, State = options.Channels > 1 };
        await receiver.MigrateSetCapabilitiesAsync([new MigrationCapabilityStatus { Capability = MigrationCapability.LateBlockActivate, State = true }, multifd], cancellationToken).ConfigureAwait(false);
        // What the guest has written last is copied when it stands still, before its disks are let go.
        var pause = new MigrationCapabilityStatus { Capability = MigrationCapability.PauseBeforeSwitchover, State = MigrationStorage.DisksOf(target.Config).Count > 0 };
        await sender.MigrateSetCapabilitiesAsync([multifd, pause], cancellationToken).ConfigureAwait(false);
        await receiver.MigrateSetParametersAsync(Parameters(options, null), cancellationToken).ConfigureAwait(false);
        await sender.MigrateSetParametersAsync(Parameters(options, options.TlsHostName ?? options.Address?.ToString()), cancellationToken).ConfigureAwait(false);
        if (options.Address is not { } address)
        {
            await receiver.MigrateIncomingAsync(MigrationRelay.Uri, cancellationToken: cancellationToken).ConfigureAwait(false);
            return new MigrationRoute(MigrationRelay.Uri, await MigrationRelay.OpenAsync(source, target, MigrationRelay.SocketName, cancellationToken).ConfigureAwait(false));
        }

        await receiver.MigrateIncomingAsync(UriOf(address, "0"), cancellationToken: cancellationToken).ConfigureAwait(false);
        var info = await receiver.QueryMigrateAsync(cancellationToken).ConfigureAwait(false);
        string port = info.SocketAddress?.Select(listening => listening.Inet?.Port).FirstOrDefault(port => port is not null)
            ?? throw new HypervisorException("The target's QEMU does not say on which port it takes the guest in.", ErrorCode.Unspecified, RequestOutcome.FailedMidway);
        return new MigrationRoute(UriOf(address, port), null);
    }

    public async ValueTask DisposeAsync()
    {
        if (_relay is not null)
            await _relay.DisposeAsync().ConfigureAwait(false);
    }

    private static bool IsEncrypted(QemuMigrationOptions options) => options is { Address: not null, TlsDirectory: not null };

    private static string UriOf(IPAddress address, string port) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"tcp:[{address}]:{port}" : $"tcp:{address}:{port}";

    /// <summary>All of them are said every time: what an earlier move has left does not hold.</summary>
    private static MigrateSetParameters Parameters(QemuMigrationOptions options, string? hostName) => new()
    {
        TlsCreds = new StrOrNull { S = IsEncrypted(options) ? Credentials : "" },
        TlsHostname = new StrOrNull { S = IsEncrypted(options) ? hostName ?? "" : "" },
        MultifdChannels = (byte)Math.Max(2, options.Channels),
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
