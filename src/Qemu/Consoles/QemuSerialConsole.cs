using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>The serial ports. QEMU itself writes what the guest prints on the first to the machine's log, whether or not somebody has it open.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuSerialConsole(QemuServices services, MachineTable machines) : ISerialConsole, IAsyncDisposable
{
    private const int MaxReplayBytes = 1 << 20;

    private readonly SerialPorts<string> _ports = new(services.Name);

    public async Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ConsoleOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Port, nameof(options));
        var (machine, config, _) = await machines.RequireUpAsync(id, cancellationToken).ConfigureAwait(false);
        if (options.Port >= config.Machine.SerialPorts)
            throw NoPort(config, options.Port);
        string key = options.Port == 0 ? machine.Id + ".serial" : string.Create(CultureInfo.InvariantCulture, $"{machine.Id}.serial{options.Port}");
        return await _ports.OpenAsync(key, id, config.Name.ToString(), options, async () =>
        {
            var held = services.State.TryLock(key) ?? throw _ports.Locked(id, config.Name.ToString(), "another process");
            try
            {
                return await ConnectAsync(machine, held, options, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                held.Remove();
                held.Dispose();
                throw;
            }
        }, cancellationToken).ConfigureAwait(false);
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

    public ValueTask DisposeAsync() => _ports.DisposeAsync();

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
        return new QemuSerialSession(connection, held, replay, services.Time);
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
}
