using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// A machine as this process knows it. What is true is in its directory and in its QEMU: this object caches the first by the number of the file and watches the second by its second monitor (<see cref="Supervision"/>).
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class Machine(QemuServices services, string id, Action<string> released)
{
    private readonly Lock _lock = new();
    private ulong _configInode;
    private DateTimeOffset _configModifiedAt;
    private MachineConfig? _config;
    private Supervision? _supervision;
    private bool _isUnsettled;

    public string Id => id;

    public InstanceId InstanceId { get; } = InstanceId.Parse(id);

    /// <summary>Lets one change of this process through at a time; the lock file then keeps other processes out.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>Whether something of it is open: somebody else was changing it when this backend connected, or it moves and the other side has not come to an end. That is settled at the first look at which it can be.</summary>
    public bool IsUnsettled
    {
        get => Volatile.Read(ref _isUnsettled);
        set => Volatile.Write(ref _isUnsettled, value);
    }

    /// <summary>Watches the QEMU that runs; null when none does or another process has taken that on.</summary>
    public Supervision? Supervision
    {
        get => Volatile.Read(ref _supervision) is { IsEnded: false } live ? live : null;
        set => Volatile.Write(ref _supervision, value);
    }

    /// <summary>The watch of this process that has ended; null when none has or it was forgotten.</summary>
    public Supervision? Ended => Volatile.Read(ref _supervision) is { IsEnded: true } ended ? ended : null;

    /// <summary>The watch, also one that has ended, which is then forgotten.</summary>
    public Supervision? TakeSupervision() => Interlocked.Exchange(ref _supervision, null);

    /// <summary>The configuration now; null when there is no such machine.</summary>
    public MachineConfig? ReadConfig()
    {
        lock (_lock)
        {
            var facts = services.State.Root.Find(StateDirectory.ConfigFile(id));
            if (facts is null)
                return _config = null;
            // Every change is another file renamed into place: another number, or one that was free again, and then another time.
            if (_config is null || facts.Inode != _configInode || facts.ModifiedAt != _configModifiedAt)
            {
                _config = services.State.ReadConfig(id);
                _configInode = facts.Inode;
                _configModifiedAt = facts.ModifiedAt;
            }

            return _config;
        }
    }

    /// <summary>A change of this process has ended: what others did before it was not looked at while it lasted.</summary>
    public void Released() => released(id);

    /// <summary>Forgets what is cached.</summary>
    public void Forget()
    {
        lock (_lock)
            _config = null;
    }

    /// <summary>Holds the process of a record; null when it has ended.</summary>
    public static LiveProcess? Hold(ProcessRecord record) =>
        record.CrashReason is null ? LiveProcess.TryHold(new ProcessIdentity(record.Pid, record.StartTicks, record.BootId)) : null;

    /// <summary>Connects to the monitor for changes and asks who answers. Only for the holder of the machine's lock: a monitor serves one client at a time.</summary>
    /// <exception cref="HypervisorException">Nobody answers, or it is another machine.</exception>
    public Task<QmpClient> ConnectChangesAsync(Guid uuid, TimeSpan timeout, CancellationToken cancellationToken) => ConnectAsync(RuntimeDirectory.ChangesSocket, uuid, timeout, cancellationToken);

    /// <summary>Connects to a monitor and asks who answers.</summary>
    public async Task<QmpClient> ConnectAsync(string socket, Guid uuid, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var client = await QmpClient.ConnectAsync(services.Runtime.SocketOf(id, socket), new QmpClientOptions { HandshakeTimeout = timeout, TimeProvider = services.Time }, cancellationToken).ConfigureAwait(false);
        try
        {
            var answer = await client.WithTimeout(timeout).QueryUuidAsync(cancellationToken).ConfigureAwait(false);
            return Guid.TryParse(answer.Uuid, out var found) && found == uuid
                ? client
                : throw new HypervisorException($"The QEMU behind the sockets of '{id}' is another machine's ({answer.Uuid}).", ErrorCode.Conflict, RequestOutcome.Rejected);
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The power state of what QEMU says of itself.</summary>
    public static PowerState StateOf(RunState status, bool isRunning)
    {
        if (isRunning)
            return PowerState.Running;
        if (status == RunState.Shutdown)
            return PowerState.Stopping;
        if (status == RunState.Inmigrate)
            return PowerState.Starting;
        if (status == RunState.Suspended)
            return PowerState.Suspended;
        // After an error of a disk the guest goes on where it is when it is let go: it is held, not lost.
        return status == RunState.GuestPanicked || status == RunState.InternalError ? PowerState.Crashed : PowerState.Paused;
    }

    /// <summary>Why a QEMU that is there holds its guest; null where somebody wanted that.</summary>
    public static string? ReasonOf(RunState status)
    {
        if (status == RunState.IoError)
            return "A disk could not be read or written, most often for want of room: the guest is held. Mend that and resume the machine; it tries again.";
        if (status == RunState.InternalError)
            return "QEMU could not go on with the guest (internal error).";
        return status == RunState.GuestPanicked ? Panicked : null;
    }

    /// <summary>What there is to say of a guest whose kernel has given up.</summary>
    public const string Panicked = "The guest's kernel panicked.";
}
