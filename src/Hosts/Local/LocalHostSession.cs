using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>Commands, files and sockets of this machine, as the user of this process.</summary>
public sealed class LocalHostSession : IHostSession
{
    private readonly TimeProvider _time;

    /// <summary>Makes a session of this machine. Files take Linux.</summary>
    /// <param name="node">What the node is called. Default: the machine's name.</param>
    /// <param name="timeProvider">The clock of time-outs. Default: the system's.</param>
    public LocalHostSession(NodeName? node = null, TimeProvider? timeProvider = null)
    {
        _time = timeProvider ?? TimeProvider.System;
        Node = node ?? NodeName.Parse(Environment.MachineName);
        Facts = new HostFacts
        {
            SystemName = OperatingSystem.IsLinux() ? "Linux" : OperatingSystem.IsMacOS() ? "Darwin" : "Windows",
            KernelRelease = OperatingSystem.IsLinux() ? File.ReadAllText("/proc/sys/kernel/osrelease").Trim() : Environment.OSVersion.Version.ToString(),
            MachineName = RuntimeInformation.OSArchitecture switch
            {
                System.Runtime.InteropServices.Architecture.X64 => "x86_64",
                System.Runtime.InteropServices.Architecture.Arm64 => "aarch64",
                var other => other.ToString().ToLowerInvariant(),
            },
            HostName = Environment.MachineName,
            UserName = Environment.UserName,
            UserId = OperatingSystem.IsLinux() ? RealUserId() : null,
            HomeDirectory = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
            Processors = Environment.ProcessorCount,
            BootId = OperatingSystem.IsLinux() ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() : null,
        };
    }

    /// <inheritdoc />
    public NodeName Node { get; }

    /// <inheritdoc />
    public HostFacts Facts { get; }

    /// <inheritdoc />
    public Task<HostResult> RunAsync(HostCommand command, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Validate();
        return CommandRun.ToEndAsync(command, Node, _time, (errors, token) => Task.FromResult<HostProcess>(Start(command, errors, token)), cancellationToken);
    }

    /// <inheritdoc />
    public Task<HostProcess> StartAsync(HostCommand command, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Validate();
        return Task.FromResult<HostProcess>(Start(command, ErrorPipe.SinkOf(command.StandardError), cancellationToken));
    }

    /// <inheritdoc />
    public Task<Connection> ConnectAsync(EndPoint remote, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        var options = new ConnectionOptions { TimeProvider = _time };
        return remote switch
        {
            UnixDomainSocketEndPoint => Connection.ConnectUnixAsync(remote.ToString()!, options, cancellationToken),
            DnsEndPoint name => Connection.ConnectTcpAsync(name.Host, name.Port, options, cancellationToken),
            IPEndPoint address => Connection.ConnectTcpAsync(address.Address.ToString(), address.Port, options, cancellationToken),
            _ => throw new ArgumentException($"A node connects to unix sockets, names and addresses, not to a {remote.GetType().Name}.", nameof(remote)),
        };
    }

    /// <inheritdoc />
    public Task<IHostDirectory> OpenDirectoryAsync(string path, CancellationToken cancellationToken = default)
    {
        string absolute = HostPath.Absolute(path);
        if (!OperatingSystem.IsLinux())
            throw new HypervisorException("Files beneath a directory take Linux, whose kernel keeps them there.", ErrorCode.Unsupported, RequestOutcome.NotSent);
        return OpenLinuxDirectoryAsync(absolute, cancellationToken);
    }

    /// <summary>Does nothing: programs and connections belong to who has them.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [SupportedOSPlatform("linux")]
    private static Task<IHostDirectory> OpenLinuxDirectoryAsync(string path, CancellationToken cancellationToken) => Task.Run<IHostDirectory>(() => new LocalDirectory(RootedDirectory.Open(path)), cancellationToken);

    private LocalProcess Start(HostCommand command, Func<ReadOnlyMemory<byte>, ValueTask>? errors, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var options = new ProcessOptions { Program = command.Program, Arguments = [.. command.Arguments], WorkingDirectory = command.WorkingDirectory, NonZeroExitFails = false, ErrorSink = errors, TimeProvider = _time };
        foreach (var (name, value) in command.Environment)
            options.Environment[name] = value;
        try
        {
            return new LocalProcess(ProcessConnection.Start(options));
        }
        catch (ConnectException error)
        {
            var code = error.Failure switch { ConnectFailure.NotFound => ErrorCode.NotFound, ConnectFailure.Denied => ErrorCode.Denied, _ => ErrorCode.Unspecified };
            throw new HypervisorException($"{error.Message} On {Node}.", code, RequestOutcome.NotSent, error);
        }
    }

    /// <summary>proc(5): the first number of the line is the real one.</summary>
    private static int? RealUserId() =>
        File.ReadLines("/proc/self/status").Where(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Select(line => line.Split('\t')).Where(fields => fields.Length > 1)
            .Select(fields => int.TryParse(fields[1], out int id) ? id : (int?)null).FirstOrDefault();
}
