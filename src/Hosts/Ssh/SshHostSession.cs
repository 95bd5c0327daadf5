using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Hosts.Sftp;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>
/// Commands, files and sockets of another machine by OpenSSH, whose one connection they share. The user's own configuration, agent and known hosts apply; nobody is asked anything, and no host's key is ever taken on trust. A
/// connection that is lost is made again by the next call; what was under way on it fails, and is repeated only where nothing of it was sent.
/// </summary>
/// <remarks>
/// The other machine needs sshd, and a shell for the user that reads as POSIX says; for files the <c>sftp</c> subsystem. ssh's children end when this process does, however it ends, and what they have started there hears of it by the
/// end of its input.
/// </remarks>
[UnsupportedOSPlatform("windows")]
public sealed class SshHostSession : IHostSession
{
    private static readonly TimeSpan s_refusalPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_refusalPause = TimeSpan.FromMilliseconds(50);

    private readonly SshOptions _options;
    private readonly string _directory;
#pragma warning disable CA2213 // They have nothing to release without a wait handle, and calls that wait for their turn must still get it to see that the session has ended.
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private readonly SemaphoreSlim _turns;
#pragma warning restore CA2213
    private Link? _link;
    private int _links;
    private bool _isDisposed;

    private SshHostSession(SshAddress address, SshOptions options)
    {
        Address = address;
        Node = options.Node ?? NodeName.Parse(address.Host);
        _options = options;
        _turns = new SemaphoreSlim(options.ConcurrentCommands);
        // Mode 0700: who may use the sockets in it may use the connection.
        _directory = MakeDirectory(options);
    }

    /// <inheritdoc />
    public NodeName Node { get; }

    /// <summary>Where the node is.</summary>
    public SshAddress Address { get; }

    /// <inheritdoc />
    public HostFacts Facts { get; private set; } = null!;

    /// <summary>The process of the connection that is in use, for tests.</summary>
    internal int MasterProcessId => _link!.Master.LocalProcessId;

    /// <summary>Connects to a node.</summary>
    /// <param name="address">Where it is.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SshException">There is no connection; <see cref="SshException.Failure"/> says why, and the message what to do.</exception>
    /// <exception cref="ArgumentException">The address is none, or an option is not acceptable.</exception>
    public static async Task<SshHostSession> ConnectAsync(SshAddress address, SshOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (address.IsDefault)
            throw new ArgumentException("There is no address.", nameof(address));
        var session = new SshHostSession(address, (options ?? new SshOptions()).Validated());
        try
        {
            await session.LinkAsync(cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc />
    public Task<HostResult> RunAsync(HostCommand command, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Validate();
        return CommandRun.ToEndAsync(command, Node, _options.TimeProvider, (errors, token) => StartAsync(command, errors, token), cancellationToken);
    }

    /// <inheritdoc />
    public Task<HostProcess> StartAsync(HostCommand command, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Validate();
        return StartAsync(command, ErrorPipe.SinkOf(command.StandardError), cancellationToken);
    }

    /// <inheritdoc />
    public Task<Connection> ConnectAsync(EndPoint remote, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        var (host, port, name) = remote switch
        {
            UnixDomainSocketEndPoint => (remote.ToString()!, MuxForward.UnixPort, $"unix:{remote}"),
            DnsEndPoint dns => (dns.Host, (uint)dns.Port, $"tcp:{dns.Host}:{dns.Port}"),
            IPEndPoint ip => (ip.Address.ToString(), (uint)ip.Port, $"tcp:{ip}"),
            _ => throw new ArgumentException($"A node connects to unix sockets, names and addresses, not to a {remote.GetType().Name}.", nameof(remote)),
        };
        if (remote is UnixDomainSocketEndPoint ? !host.StartsWith('/') : port is 0 or > 65535 || host.Length == 0)
            throw new ArgumentException($"'{remote}' is no absolute path of a socket, and no host with a port.", nameof(remote));
        return AgainIfNotSentAsync(link => link.Forwards.ConnectAsync(host, port, $"{name} on {Node}", cancellationToken), cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IHostDirectory> OpenDirectoryAsync(string path, CancellationToken cancellationToken = default) =>
        await SftpDirectory.OpenAsync(this, HostPath.Absolute(path), cancellationToken).ConfigureAwait(false);

    /// <summary>Ends the connection, and with it what runs over it: forwarded sockets, programs' pipes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _connecting.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            if (_link is not null)
                await _link.DisposeAsync().ConfigureAwait(false);
            Directory.Delete(_directory, recursive: true);
        }
        catch (IOException)
        {
            // ssh was removing its socket in the same moment, or somebody else the directory: there is nothing in it that is needed.
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <summary>The files of the node, over the connection that there is.</summary>
    internal async Task<SftpSession> SftpAsync(CancellationToken cancellationToken)
    {
        var link = await LinkAsync(cancellationToken).ConfigureAwait(false);
        return await link.SftpAsync(cancellationToken).ConfigureAwait(false);
    }

    private Task<HostProcess> StartAsync(HostCommand command, Func<ReadOnlyMemory<byte>, ValueTask>? errors, CancellationToken cancellationToken) => AgainIfNotSentAsync(
        async link =>
        {
            if (!await TakeTurnAsync(cancellationToken).ConfigureAwait(false))
                throw new SshException(SshFailure.TooManySessions, $"{_options.ConcurrentCommands} programs run on {Node} already and none has ended within {_options.ConnectTimeout.TotalSeconds:0.###} s. Raise {nameof(SshOptions)}.{nameof(SshOptions.ConcurrentCommands)}, and MaxSessions of its sshd.", ErrorCode.Exhausted, RequestOutcome.NotSent);
            RemoteProcess? process = null;
            try
            {
                process = await StartInTurnAsync(link, command, errors, cancellationToken).ConfigureAwait(false);
                return (HostProcess)process;
            }
            finally
            {
                if (process is null)
                    _turns.Release();
                else
                    _ = process.Released.ContinueWith(static (_, turns) => ((SemaphoreSlim)turns!).Release(), _turns, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        },
        cancellationToken);

    /// <summary>sshd counts a session for a moment longer than it lasts: what it refuses then is asked for again.</summary>
    private async Task<RemoteProcess> StartInTurnAsync(Link link, HostCommand command, Func<ReadOnlyMemory<byte>, ValueTask>? errors, CancellationToken cancellationToken)
    {
        long begin = _options.TimeProvider.GetTimestamp();
        while (true)
        {
            try
            {
                return await RemoteProcess.StartAsync(link.Master, command, errors, cancellationToken).ConfigureAwait(false);
            }
            catch (SshException error) when (error.Failure == SshFailure.TooManySessions && _options.TimeProvider.GetElapsedTime(begin) < s_refusalPatience)
            {
                await Task.Delay(s_refusalPause, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<bool> TakeTurnAsync(CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(_options.ConnectTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            await _turns.WaitAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Once more on a new connection, when the one that there was is gone and nothing of the call was sent.</summary>
    private async Task<T> AgainIfNotSentAsync<T>(Func<Link, Task<T>> call, CancellationToken cancellationToken)
    {
        var link = await LinkAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await call(link).ConfigureAwait(false);
        }
        catch (SshException error) when (error is { Failure: SshFailure.ConnectionLost, Outcome: RequestOutcome.NotSent })
        {
            await link.Master.DisposeAsync().ConfigureAwait(false);
        }

        return await call(await LinkAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task<Link> LinkAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _link) is { Master.IsAlive: true } current && !_isDisposed)
            return current;
        await _connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_link is { Master.IsAlive: true } made)
                return made;
            if (_link is { } dead)
                await dead.DisposeAsync().ConfigureAwait(false);
            // Names of their own: what a dead master has left is not taken for the new one's.
            string directory = Path.Combine(_directory, (++_links).ToString(System.Globalization.CultureInfo.InvariantCulture));
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var master = await SshMaster.ConnectAsync(Address, _options, Path.Combine(directory, "m"), cancellationToken).ConfigureAwait(false);
            Facts = master.Facts;
            _link = new Link(master, directory);
            return _link;
        }
        finally
        {
            _connecting.Release();
        }
    }

    private static string MakeDirectory(SshOptions options)
    {
        // ssh makes its socket under a longer name first.
        const int MaxBytes = 70;
        string directory;
        if (options.RuntimeDirectory is { } parent)
        {
            directory = Path.Combine(parent, $"hvsdk-{Guid.NewGuid():N}"[..16]);
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        else
        {
            directory = Directory.CreateTempSubdirectory("hvsdk-").FullName;
        }

        if (System.Text.Encoding.UTF8.GetByteCount(directory) <= MaxBytes)
            return directory;
        Directory.Delete(directory);
        throw new ArgumentException($"'{directory}' is too long for the sockets in it. Set a shorter {nameof(SshOptions)}.{nameof(SshOptions.RuntimeDirectory)}.");
    }

    /// <summary>A master, and what is made once for each.</summary>
    private sealed class Link(SshMaster master, string directory) : IAsyncDisposable
    {
#pragma warning disable CA2213 // As above.
        private readonly SemaphoreSlim _opening = new(1, 1);
#pragma warning restore CA2213
        private SftpSession? _sftp;

        public SshMaster Master => master;

        public SocketForwards Forwards { get; } = new(master, directory);

        public async Task<SftpSession> SftpAsync(CancellationToken cancellationToken)
        {
            await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (_sftp is { IsAlive: true } open)
                    return open;
                if (_sftp is { } dead)
                    await dead.DisposeAsync().ConfigureAwait(false);
                _sftp = await SftpSession.OpenAsync(master, cancellationToken).ConfigureAwait(false);
                return _sftp;
            }
            finally
            {
                _opening.Release();
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (_sftp is { } sftp)
                await sftp.DisposeAsync().ConfigureAwait(false);
            await master.DisposeAsync().ConfigureAwait(false);
        }
    }
}
