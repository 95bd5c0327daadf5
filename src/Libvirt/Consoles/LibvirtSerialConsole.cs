using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Consoles;

/// <summary>
/// Serial ports over streams of the daemon. A session has a connection of its own: what a user leaves unread holds nobody else up. What machines of ours print on their first port is kept in a volume beside their disks.
/// </summary>
internal sealed class LibvirtSerialConsole(LibvirtParts parts) : ISerialConsole, IAsyncDisposable
{
    /// <summary>VIR_DOMAIN_CONSOLE_FORCE: whoever has it open loses it. LXC's driver does not know it, and keeps nobody out who is not of this process.</summary>
    private const uint Force = 1;

    private const int MaxReplayBytes = 1 << 20;

    private readonly SerialPorts<(Guid, int)> _ports = new(parts.Name);

    public async Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ConsoleOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Port, nameof(options));
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        if (facts is not { IsActive: true, Live: { } live })
            throw Refusal.InvalidState(id, $"'{facts.View.Name}' is {facts.State} and has no console now.");
        string? alias = AliasOf(facts, live, options.Port);
        return await _ports.OpenAsync((facts.Domain.Uuid, options.Port), id, facts.View.Name.ToString(), options, () => ConnectAsync(facts, alias, options, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    public async Task<Stream> OpenLogAsync(InstanceId id, long? tailBytes = null, CancellationToken cancellationToken = default)
    {
        if (tailBytes is { } tail)
            ArgumentOutOfRangeException.ThrowIfNegative(tail, nameof(tailBytes));
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        if (facts.Config.ConsoleLog is not { } path)
            throw new HypervisorException(parts.IsContainers ? "libvirt's LXC driver keeps nothing of what the console of a container has printed." : $"'{facts.View.Name}' was made without a log of its console (a pool of files to keep it in, '{parts.Options.Pool}', is needed at its making).", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"instance {id}" };
        var libvirt = await parts.Link.OpenAnotherAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var volume = await libvirt.StorageVolLookupByPathAsync(path, cancellationToken).ConfigureAwait(false);
            // The guest may print on: what is returned ends where the log ends now.
            ulong length = (await libvirt.StorageVolGetInfoAsync(volume, cancellationToken).ConfigureAwait(false)).Capacity;
            ulong wanted = Math.Min(length, (ulong)(tailBytes ?? long.MaxValue));
            if (wanted == 0)
            {
                await libvirt.DisposeAsync().ConfigureAwait(false);
                return Stream.Null;
            }

            return new DownloadStream(libvirt, await libvirt.StorageVolDownloadAsync(volume, length - wanted, wanted, 0, cancellationToken).ConfigureAwait(false));
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrNoStorageVol or VirErrorNumber.ErrNoStoragePool)
        {
            await libvirt.DisposeAsync().ConfigureAwait(false);
            throw new HypervisorException($"The log of the console of '{facts.View.Name}' is '{path}', which is no volume of a pool: the daemon hands out no other files.", ErrorCode.Unsupported, RequestOutcome.Rejected, error) { Resource = $"instance {id}" };
        }
        catch
        {
            await libvirt.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public ValueTask DisposeAsync() => _ports.DisposeAsync();

    private async Task<SerialSession> ConnectAsync(DomainFacts facts, string? alias, ConsoleOptions options, CancellationToken cancellationToken)
    {
        var libvirt = await parts.Link.OpenAnotherAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var stream = await libvirt.DomainOpenConsoleAsync(facts.Domain, alias, options.TakeOver && !parts.IsContainers ? Force : 0, cancellationToken).ConfigureAwait(false);
            // Read after opening: what was printed in between comes twice rather than never.
            byte[] replay = options.Port == 0 && options.ReplayTail.Bytes > 0 ? await ReadTailAsync(facts, (int)Math.Min(options.ReplayTail.Bytes, MaxReplayBytes), cancellationToken).ConfigureAwait(false) : [];
            return new LibvirtSerialSession(libvirt, stream, replay, () => WhyEndedAsync(facts), parts.Time);
        }
        catch (Exception error)
        {
            await libvirt.DisposeAsync().ConfigureAwait(false);
            // libvirt has no error of its own for it, and this one for nothing else here.
            if (error is LibvirtException { Number: VirErrorNumber.ErrOperationFailed } taken)
                throw _ports.Locked(facts.Id, facts.View.Name.ToString(), "another session; ask to take it over", taken);
            throw;
        }
    }

    private async Task<byte[]> ReadTailAsync(DomainFacts facts, int bytes, CancellationToken cancellationToken)
    {
        if (facts.Config.ConsoleLog is null)
            return [];
        var log = await OpenLogAsync(facts.Id, bytes, cancellationToken).ConfigureAwait(false);
        await using (log.ConfigureAwait(false))
        {
            using var tail = new MemoryStream();
            await log.CopyToAsync(tail, cancellationToken).ConfigureAwait(false);
            return tail.ToArray();
        }
    }

    /// <summary>Why the daemon has ended a session: it does not say.</summary>
    private async Task<HypervisorException> WhyEndedAsync(DomainFacts facts) =>
        await parts.Domains.FindAsync(facts.Domain.Uuid, CancellationToken.None).ConfigureAwait(false) is { IsActive: true } now && now.Run == facts.Run
            ? new HypervisorException($"The console of '{facts.View.Name}' was closed by the daemon: somebody else has taken it over.", ErrorCode.Locked, RequestOutcome.Rejected) { Backend = parts.Name }
            : new HypervisorException("The machine has stopped.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Backend = parts.Name };

    /// <summary>The daemon's name of a port; null for its first console, whatever that is.</summary>
    private string? AliasOf(DomainFacts facts, DomainDocument live, int port)
    {
        var ports = live.Devices("serial").ToList();
        if (port == 0 && ports.Count == 0 && live.Devices("console").Any())
            return null;
        return port < ports.Count ? ports[port].Element("alias")?.Attribute("name")?.Value
            : throw new HypervisorException($"'{facts.View.Name}' has {ports.Count} serial ports; there is no port {port} (they count from 0).", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = parts.Name, Resource = $"instance {facts.Id}" };
    }
}
