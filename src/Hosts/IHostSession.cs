using System.Net;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>
/// Commands, files and sockets of a node: this machine (<see cref="LocalHostSession"/>), or another one by OpenSSH (<see cref="SshHostSession"/>). What is done on either is done in the same way and fails in the same way.
/// Safe to use from several threads.
/// </summary>
public interface IHostSession : IAsyncDisposable
{
    /// <summary>The node.</summary>
    NodeName Node { get; }

    /// <summary>What the node is: found out when the session connected.</summary>
    HostFacts Facts { get; }

    /// <summary>Runs a program to its end and keeps what it wrote. Arguments reach it as they are: no shell reads them.</summary>
    /// <param name="command">Which program, and how.</param>
    /// <param name="cancellationToken">Ends the program, at once and with what it has started; it is gone when this throws.</param>
    /// <returns>How it ended; a code other than 0 is an answer and no exception.</returns>
    /// <exception cref="HypervisorException">
    /// There is no such program or directory (<see cref="ErrorCode.NotFound"/>), it ran longer than <see cref="HostCommand.Timeout"/> and was ended (<see cref="ErrorCode.Timeout"/>), or the node was lost
    /// (<see cref="ErrorCode.Unavailable"/>): <see cref="HypervisorException.Outcome"/> says whether it may have run.
    /// </exception>
    Task<HostResult> RunAsync(HostCommand command, CancellationToken cancellationToken = default);

    /// <summary>Starts a program whose standard input and output are a connection. Completes when the node has found the program and starts it.</summary>
    /// <param name="command">Which program, and how. Its <see cref="HostCommand.Timeout"/> does not count.</param>
    /// <param name="cancellationToken">Gives up; a program that was started is ended.</param>
    /// <exception cref="HypervisorException">As with <see cref="RunAsync"/>.</exception>
    Task<HostProcess> StartAsync(HostCommand command, CancellationToken cancellationToken = default);

    /// <summary>Connects to something that the node reaches: a unix socket, a port.</summary>
    /// <param name="remote">A <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/> with an absolute path, a <see cref="DnsEndPoint"/> or an <see cref="IPEndPoint"/>, as the node understands it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ConnectException">The node reaches it not, or nobody listens there.</exception>
    /// <exception cref="HypervisorException">The node itself cannot be reached.</exception>
    Task<Connection> ConnectAsync(EndPoint remote, CancellationToken cancellationToken = default);

    /// <summary>Opens a directory of the node. Nothing outside of it is reached through what this returns.</summary>
    /// <param name="path">An absolute path. Links in it are followed: who configures it decides where it is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">There is no such directory (<see cref="ErrorCode.NotFound"/>), it may not be opened, or the node has no files to offer (<see cref="ErrorCode.Unsupported"/>).</exception>
    Task<IHostDirectory> OpenDirectoryAsync(string path, CancellationToken cancellationToken = default);
}
