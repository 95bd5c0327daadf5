using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts.Sftp;

/// <summary>
/// The files of a node: version 3 of SFTP (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions (PROTOCOL, 4), which every sshd of OpenSSH speaks. Requests are numbered and may be many at a time; one loop reads the answers.
/// </summary>
internal sealed class SftpSession : IAsyncDisposable
{
    public const uint OkStatus = 0;
    public const uint EndStatus = 1;
    public const uint NoSuchFileStatus = 2;
    public const uint PermissionDeniedStatus = 3;
    public const uint UnsupportedStatus = 8;

    public const byte Status = 101;
    public const byte Handle = 102;
    public const byte Data = 103;
    public const byte Name = 104;
    public const byte Attributes = 105;

    private const byte Init = 1;
    private const byte VersionReply = 2;
    private const uint Version = 3;
    private const int MaxPacketBytes = 1 << 20;

    private readonly SshMaster _master;
    private readonly ProcessConnection _connection;
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, TaskCompletionSource<SftpReply>> _pending = [];
    private readonly Queue<ReadOnlyMemory<byte>> _unsent = [];
    private readonly HashSet<string> _extensions = new(StringComparer.Ordinal);
    private uint _lastId;
    private bool _isFlushing;
    private bool _isClosed;
    private Task _reading = Task.CompletedTask;

    private SftpSession(SshMaster master, ProcessConnection connection)
    {
        _master = master;
        _connection = connection;
    }

    public bool IsAlive => !Volatile.Read(ref _isClosed);

    public static async Task<SftpSession> OpenAsync(SshMaster master, CancellationToken cancellationToken)
    {
        var session = new SftpSession(master, master.StartGuest(["-s"], ["sftp"], null));
        try
        {
            await session._connection.Output.WriteAsync(new Packet().Byte(Init).Number(Version).WithLength(), cancellationToken).ConfigureAwait(false);
            await session.ReadVersionAsync(cancellationToken).ConfigureAwait(false);
            session._reading = session.ReadLoopAsync();
            return session;
        }
        catch (Exception error)
        {
            session._connection.Kill();
            await session.DisposeAsync().ConfigureAwait(false);
            if (error is not IOException)
                throw;
            string words = session._connection.ErrorText.Trim();
            if (words.Contains("subsystem request failed", StringComparison.Ordinal))
                throw new HypervisorException($"{master.Address} has no files to offer: its sshd does not know the subsystem 'sftp'. Set it in sshd_config.", ErrorCode.Unsupported, RequestOutcome.NotSent, error) { BackendMessage = words };
            throw SshWords.NotBegun(master.Address, "its files were opened", words.Length > 0 ? words : error.Message);
        }
    }

    public bool Has(string extension) => _extensions.Contains(extension);

    /// <summary>A request that is not sent yet: its kind, and a place for its number that <see cref="SendAsync"/> fills.</summary>
    public static Packet Request(byte kind) => new Packet().Byte(kind).Number(0);

    /// <summary>Sends a request; completes with the answer. Requests leave in the order in which this is called.</summary>
    /// <exception cref="SshException">The connection is gone: whether it was carried out is not known.</exception>
    public Task<SftpReply> SendAsync(Packet request)
    {
        var answer = new TaskCompletionSource<SftpReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        byte[] packet = request.WithLength().ToArray();
        lock (_gate)
        {
            if (_isClosed)
                return Task.FromException<SftpReply>(Lost(RequestOutcome.NotSent));
            uint id = ++_lastId;
            BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(5), id);
            _pending[id] = answer;
            _unsent.Enqueue(packet);
            if (_isFlushing)
                return answer.Task;
            _isFlushing = true;
        }

        _ = FlushAsync();
        return answer.Task;
    }

    public async ValueTask DisposeAsync()
    {
        Close();
        await _connection.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
    }

    private async Task FlushAsync()
    {
        try
        {
            while (true)
            {
                lock (_gate)
                {
                    if (_unsent.Count == 0)
                    {
                        _isFlushing = false;
                        return;
                    }

                    while (_unsent.TryDequeue(out var packet))
                        _connection.Output.Write(packet.Span);
                }

                await _connection.Output.FlushAsync().ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            Close();
        }
    }

    private async Task ReadVersionAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _connection.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = read.Buffer;
            if (TryReadPacket(ref buffer, out var reader))
            {
                if (reader.Byte() != VersionReply || reader.Number() < Version)
                    throw new HypervisorException($"{_master.Address} does not speak version 3 of SFTP.", ErrorCode.Protocol, RequestOutcome.NotSent);
                while (!reader.IsAtEnd)
                {
                    _extensions.Add(reader.Text());
                    reader.Bytes();
                }

                _connection.Input.AdvanceTo(buffer.Start);
                return;
            }

            _connection.Input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
                throw new IOException("The session ended.");
        }
    }

    private async Task ReadLoopAsync()
    {
        try
        {
            while (true)
            {
                var read = await _connection.Input.ReadAsync().ConfigureAwait(false);
                var buffer = read.Buffer;
                while (TryReadPacket(ref buffer, out var reader))
                {
                    byte kind = reader.Byte();
                    uint id = reader.Number();
                    TaskCompletionSource<SftpReply>? answer;
                    lock (_gate)
                        _pending.Remove(id, out answer);
                    if (answer is null)
                        throw new IOException($"An answer has the number {id.ToString(CultureInfo.InvariantCulture)}, which no request had.");
                    answer.TrySetResult(new SftpReply(kind, reader));
                }

                _connection.Input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted)
                    break;
            }
        }
        catch (IOException)
        {
            // Every request that waits is told below.
        }

        Close();
    }

    private void Close()
    {
        List<TaskCompletionSource<SftpReply>> waiting;
        lock (_gate)
        {
            _isClosed = true;
            waiting = [.. _pending.Values];
            _pending.Clear();
            _unsent.Clear();
        }

        foreach (var answer in waiting)
            answer.TrySetException(Lost(RequestOutcome.Unknown));
    }

    private SshException Lost(RequestOutcome outcome) => SshWords.Lost(_master.Address, "its files were used", _master.Words, outcome);

    private static bool TryReadPacket(ref ReadOnlySequence<byte> buffer, out PacketReader reader)
    {
        reader = null!;
        var bytes = new SequenceReader<byte>(buffer);
        if (!bytes.TryReadBigEndian(out int length))
            return false;
        if (length is < 5 or > MaxPacketBytes)
            throw new IOException($"A packet has {length} bytes; 5 to {MaxPacketBytes} were expected.");
        if (bytes.Remaining < length)
            return false;
        reader = new PacketReader(buffer.Slice(4, length).ToArray());
        buffer = buffer.Slice(4 + length);
        return true;
    }
}
