using System.IO.Pipelines;
using System.Net;

namespace Hypervisor.Sdk;

/// <summary>Commands and sockets on a node: this machine, or another one by OpenSSH.</summary>
public interface IHostSession : IAsyncDisposable
{
    /// <summary>The node.</summary>
    NodeName Node { get; }

    /// <summary>Runs a program to its end. Arguments reach it as they are: no shell reads them.</summary>
    Task<CommandResult> RunAsync(string program, IReadOnlyList<string> arguments, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default);

    /// <summary>Runs a program with its standard input and output as a pipe. Completing the output ends its input.</summary>
    Task<IDuplexPipe> StreamAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken = default);

    /// <summary>Connects to something that only the node reaches: a unix socket, a port.</summary>
    Task<IDuplexPipe> ConnectAsync(EndPoint remote, CancellationToken cancellationToken = default);
}
