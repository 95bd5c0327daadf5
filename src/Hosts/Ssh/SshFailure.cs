namespace Hypervisor.Sdk.Hosts;

/// <summary>Why a node could not be reached by ssh, or was lost.</summary>
public enum SshFailure
{
    /// <summary>None of the others: ssh's own words are in the message.</summary>
    Other,

    /// <summary>ssh is not installed on this machine.</summary>
    NotInstalled,

    /// <summary>The host's name is not known to the resolver.</summary>
    NameNotResolved,

    /// <summary>No route leads to the host, nobody listens on its port, or it does not answer in time.</summary>
    Unreachable,

    /// <summary>The host's key is not among the known ones. Nobody is asked: add it to known_hosts after having compared it.</summary>
    HostKeyUnknown,

    /// <summary>The host has another key than the known one, or a revoked one: somebody may be listening.</summary>
    HostKeyChanged,

    /// <summary>The host does not accept who this user is.</summary>
    PermissionDenied,

    /// <summary>The connection ended.</summary>
    ConnectionLost,

    /// <summary>The host runs no more programs for one connection (<c>MaxSessions</c> of sshd).</summary>
    TooManySessions,

    /// <summary>The user's shell at the host does not read what POSIX's does (fish, csh), or is none.</summary>
    ShellNotPosix,
}
