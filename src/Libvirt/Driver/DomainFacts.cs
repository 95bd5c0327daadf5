using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>A domain as the daemon described it at one moment.</summary>
internal sealed class DomainFacts
{
    private Instance? _view;

    public required VirDomain Domain { get; init; }

    /// <summary>The configuration: what it has at the next start.</summary>
    public required DomainDocument Config { get; init; }

    /// <summary>What it has now; null where it does not run.</summary>
    public DomainDocument? Live { get; init; }

    public required VirDomainState NativeState { get; init; }

    public required int NativeReason { get; init; }

    public required bool HasManagedSave { get; init; }

    /// <summary>Whether the daemon keeps it when it does not run.</summary>
    public required bool IsPersistent { get; init; }

    public InstanceRecord Record => field ??= InstanceRecord.Read(Config.Root);

    public RequestRecords Requests => field ??= RequestRecords.Read(Config.Root);

    public PowerState State => StateOf(NativeState, NativeReason, HasManagedSave, Requests.IsStopped);

    /// <summary>Whether anything of it is there that uses the processor or memory.</summary>
    public bool IsActive => NativeState is not (VirDomainState.Shutoff or VirDomainState.Nostate) && Domain.Id != -1;

    public InstanceId Id => IdOf(Domain.Uuid);

    public Instance View => _view ??= InstanceView.Of(this);

    /// <summary>Which of its runs this is; another number is another run.</summary>
    public int? Run => IsActive ? Domain.Id : null;

    public static InstanceId IdOf(Guid uuid) => InstanceId.Parse(uuid.ToString("D"));

    /// <summary>The domain that an id addresses; null when it can address none.</summary>
    public static Guid? DomainOf(InstanceId id) => Guid.TryParseExact(id.ToString(), "D", out var uuid) && uuid.ToString("D") == id.ToString() ? uuid : null;

    /// <summary>What libvirt's words for a state are in ours.</summary>
    /// <remarks>virDomainState and its reasons of libvirt-domain.h.</remarks>
    public static PowerState StateOf(VirDomainState state, int reason, bool hasManagedSave, bool isStopped) => state switch
    {
        VirDomainState.Running or VirDomainState.Blocked => PowerState.Running,
        VirDomainState.Paused when reason == (int)VirDomainPausedReason.Crashed => PowerState.Crashed,
        VirDomainState.Paused when reason == (int)VirDomainPausedReason.StartingUp => PowerState.Starting,
        VirDomainState.Paused or VirDomainState.Pmsuspended => PowerState.Paused,
        VirDomainState.Shutdown => PowerState.Stopping,
        VirDomainState.Shutoff when hasManagedSave => PowerState.Suspended,
        VirDomainState.Shutoff when reason is (int)VirDomainShutoffReason.Crashed && !isStopped => PowerState.Crashed,
        VirDomainState.Shutoff => PowerState.Stopped,
        VirDomainState.Crashed => PowerState.Crashed,
        _ => PowerState.Unknown,
    };
}
