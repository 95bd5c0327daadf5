using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;

namespace Hypervisor.Sdk.Libvirt.Migration;

/// <summary>
/// Moves machines that run to another daemon that this process is connected to. The two daemons send the memory to each other, and the disks where asked; this process tells both what comes next. Until the target says that the guest
/// runs there, every failure leaves it running at the source.
/// </summary>
internal sealed class LibvirtMigration(LibvirtParts parts) : IMigration
{
    public const string NoPostCopy = "Over libvirt guests are moved without post-copy.";

    public async Task<MigrationCheck> CheckAsync(InstanceId id, MigrationTarget target, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        return new MigrationCheck { Obstacles = await MigrationObstacles.FindAsync(parts, PeerOf(target), target, facts, cancellationToken).ConfigureAwait(false), PostCopyObstacles = [NoPostCopy] };
    }

    public async Task<Operation<Instance>> MigrateAsync(InstanceId id, MigrationTarget target, MigrationOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        options ??= new MigrationOptions();
        if (options.MaxDowntime < TimeSpan.Zero || options.MaxDowntime > TimeSpan.FromSeconds(2000))
            throw new ArgumentException($"A downtime is 0 to 2000 s; this one is {options.MaxDowntime}.", nameof(options));
        if (options.MaxBandwidthPerSecond is { Bytes: <= 0 })
            throw new ArgumentException("A bandwidth is more than zero.", nameof(options));
        if (options.PostCopyAfter is not null)
            throw Refusal.Unsupported("options.postCopyAfter", NoPostCopy);
        return await parts.Work.ChangeAsync<Instance>(
            WorkKinds.Migrate, id, request, null,
            async (change, token) =>
            {
                var peer = PeerOf(target);
                var obstacles = await MigrationObstacles.FindAsync(parts, peer, target, change.Before, token).ConfigureAwait(false);
                if (obstacles.Count > 0)
                    throw new HypervisorException($"'{change.Before.View.Name}' cannot be moved: {string.Join(" ", obstacles)}", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"instance {id}" };
                var move = new MigrationWork(parts, peer!, change, options, request?.RequestId);
                return await move.RunAsync(token).ConfigureAwait(false);
            },
            (facts, _) => Task.FromResult(facts?.View), cancellationToken).ConfigureAwait(false);
    }

    private LibvirtParts? PeerOf(MigrationTarget target) => target.Backend is { } name && !name.IsDefault ? name == parts.Name ? parts : MigrationPeers.Find(name) : null;
}
