using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>The serial ports. QEMU itself writes what the guest prints on the first to the machine's log, whether or not somebody has it open.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuSerialConsole(QemuServices services, MachineTable machines) : ISerialConsole, IAsyncDisposable
{
    private const int MaxReplayBytes = 1 << 20;

    /// <summary>How long a user may leave what the guest prints unread before the guest goes first.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Port> _ports = new(StringComparer.Ordinal);

    public async Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ConsoleOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Port, nameof(options));
        var (machine, config, _) = await machines.RequireUpAsync(id, cancellationToken).ConfigureAwait(false);
        if (options.Port >= config.Machine.SerialPorts)
            throw NoPort(config, options.Port);
        string key = options.Port == 0 ? machine.Id + ".serial" : string.Create(CultureInfo.InvariantCulture, $"{machine.Id}.serial{options.Port}");
        var port = _ports.GetOrAdd(key, static _ => new Port());
        await port.Turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (port.Session is { Completion.IsCompleted: false } other)
            {
                if (!options.TakeOver)
                    throw Locked(config, "a session of this process; ask to take it over");
                await other.EndAsync(new HypervisorException($"The console of '{config.Name}' was taken over by another session.", ErrorCode.Locked, RequestOutcome.Rejected) { Backend = services.Name }).ConfigureAwait(false);
            }

            var held = services.State.TryLock(key) ?? throw Locked(config, "another process");
            try
            {
                var session = await ConnectAsync(machine, held, options, cancellationToken).ConfigureAwait(false);
                return port.Session = session;
            }
            catch
            {
                held.Remove();
                held.Dispose();
                throw;
            }
        }
        finally
        {
            port.Turn.Release();
        }
    }

    public Task<Stream> OpenLogAsync(InstanceId id, long? tailBytes = null, CancellationToken cancellationToken = default)
    {
        if (tailBytes is { } tail)
            ArgumentOutOfRangeException.ThrowIfNegative(tail, nameof(tailBytes));
        var (machine, _) = machines.Require(id);
        string path = StateDirectory.ConsoleLog(machine.Id);
        if (services.State.Root.Find(path) is null)
            return Task.FromResult(Stream.Null);
        var file = services.State.Root.OpenFile(path);
        try
        {
            // The guest may print on: what is returned ends where the log ends now.
            long length = RandomAccess.GetLength(file);
            return Task.FromResult<Stream>(new LogStream(file, Math.Max(ConsoleLog.Begin(file, length), length - (tailBytes ?? length)), length));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var port in _ports.Values)
        {
            if (port.Session is { } session)
                await session.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<SerialSession> ConnectAsync(Machine machine, MachineLock held, ConsoleOptions options, CancellationToken cancellationToken)
    {
        Connection connection;
        try
        {
            connection = await Connection.ConnectUnixAsync(services.Runtime.SocketOf(machine.Id, RuntimeDirectory.SerialSocketOf(options.Port)), cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectException error)
        {
            throw new BackendConnectionException($"The serial port {options.Port} of '{machine.Id}' does not answer: {error.Message}", ErrorCode.Unavailable, RequestOutcome.NotSent, error) { Backend = services.Name };
        }

        // Read after connecting: what was printed in between comes twice rather than never.
        byte[] replay = options.Port == 0 ? ReadTail(machine.Id, (int)Math.Min(options.ReplayTail.Bytes, MaxReplayBytes)) : [];
        return new SerialSession(connection, held, replay, s_patience, services.Time);
    }

    private byte[] ReadTail(string id, int bytes)
    {
        if (bytes == 0 || services.State.Root.Find(StateDirectory.ConsoleLog(id)) is null)
            return [];
        using var file = services.State.Root.OpenFile(StateDirectory.ConsoleLog(id));
        long length = RandomAccess.GetLength(file);
        byte[] tail = new byte[Math.Min(length - ConsoleLog.Begin(file, length), bytes)];
        int read = RandomAccess.Read(file, tail, length - tail.Length);
        return tail[..read];
    }

    private HypervisorException NoPort(MachineConfig config, int port) =>
        new($"'{config.Name}' has {config.Machine.SerialPorts} serial ports; there is no port {port} (they count from 0).", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = services.Name, Resource = $"instance {config.Id}" };

    private HypervisorException Locked(MachineConfig config, string holder) =>
        new($"The console of '{config.Name}' is open in {holder}.", ErrorCode.Locked, RequestOutcome.Rejected) { Backend = services.Name, Resource = $"instance {config.Id}" };

    /// <summary>One serial port: who has it open, and who opens it. Those of other machines wait for nobody.</summary>
    private sealed class Port
    {
        public SemaphoreSlim Turn { get; } = new(1, 1);

        public SerialSession? Session { get; set; }
    }
}
