using System.Buffers.Binary;
using System.Text;
using Hypervisor.Sdk.Transport;
using static Hypervisor.Sdk.DiskImages.NbdProtocol;

namespace Hypervisor.Sdk.DiskImages;

/// <content>Connecting: the fixed newstyle handshake, structured replies, contexts, the export (doc/proto.md, "Newstyle negotiation").</content>
internal sealed partial class NbdClient
{
    /// <summary>Connects to an export.</summary>
    /// <param name="socketPath">The server's unix socket.</param>
    /// <param name="export">The name of the export.</param>
    /// <param name="contexts">What the server is to say of stretches: <c>base:allocation</c>, <c>qemu:dirty-bitmap:NAME</c>.</param>
    /// <param name="timeout">How long the server may take to agree.</param>
    /// <param name="patience">How long it may take to answer a request.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">There is no server, or it has no such export or context.</exception>
    public static async Task<NbdClient> ConnectAsync(string socketPath, string export, IReadOnlyList<string> contexts, TimeSpan timeout, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        Connection connection;
        try
        {
            connection = await Connection.ConnectUnixAsync(socketPath, new ConnectionOptions { TimeProvider = time, SegmentBytes = 256 * 1024, SocketReceiveBytes = 1 << 20 }, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectException error)
        {
            throw NbdErrors.NotConnected(error);
        }

        return await ConnectAsync(connection, export, contexts, timeout, patience, time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same over a connection that there is, which is closed when it fails.</summary>
    public static async Task<NbdClient> ConnectAsync(Connection connection, string export, IReadOnlyList<string> contexts, TimeSpan timeout, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        var client = new NbdClient(connection, patience, time);
        using var timer = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            await client.NegotiateAsync(export, contexts, either.Token).ConfigureAwait(false);
            return client;
        }
        catch (Exception error)
        {
            await client.DisposeAsync().ConfigureAwait(false);
            if (error is OperationCanceledException && !cancellationToken.IsCancellationRequested)
                throw new BackendConnectionException($"{connection.Endpoint} did not agree on the export '{export}' within {timeout.TotalSeconds:0.#} s.", ErrorCode.Timeout, RequestOutcome.NotSent, error);
            if (error is IOException)
                throw client.Lost(error);
            throw;
        }
    }

    private async Task NegotiateAsync(string export, IReadOnlyList<string> contexts, CancellationToken cancellationToken)
    {
        if (await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false) != Magic || await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false) != OptionMagic)
            throw Broken("it greets as no NBD server does");
        ulong flags = await ReadNumberAsync(2, cancellationToken).ConfigureAwait(false);
        if ((flags & FixedNewstyleNoZeroes) != FixedNewstyleNoZeroes)
            throw Broken("it knows only the old negotiation");
        byte[] agreed = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(agreed, FixedNewstyleNoZeroes);
        await _output.WriteAsync(agreed, cancellationToken).ConfigureAwait(false);

        await AskAsync(OptionStructuredReply, [], static (_, _) => { }, cancellationToken).ConfigureAwait(false);
        var ids = new Dictionary<string, uint>(StringComparer.Ordinal);
        await AskAsync(OptionSetMetaContext, [.. Text(export), .. Number((uint)contexts.Count), .. contexts.SelectMany(Text)], (type, reply) =>
        {
            if (type == ReplyMetaContext && reply.Length > 4)
                ids[Encoding.UTF8.GetString(reply, 4, reply.Length - 4)] = BinaryPrimitives.ReadUInt32BigEndian(reply);
        }, cancellationToken).ConfigureAwait(false);
        foreach (string context in contexts)
            _contexts.Add(ids.TryGetValue(context, out uint id) ? id : throw new HypervisorException($"{_connection.Endpoint} has no context '{context}' of the export '{export}'.", ErrorCode.NotFound, RequestOutcome.Rejected));
        await AskAsync(OptionGo, [.. Text(export), 0, 0], (type, reply) =>
        {
            if (type == ReplyInfo && reply.Length >= 10 && BinaryPrimitives.ReadUInt16BigEndian(reply) == InfoExport)
                SizeBytes = BinaryPrimitives.ReadInt64BigEndian(reply.AsSpan(2));
        }, cancellationToken).ConfigureAwait(false);
        if (SizeBytes < 0)
            throw Broken("it has an export of a negative size");
    }

    /// <summary>Asks for an option, and reads replies until it is granted.</summary>
    private async Task AskAsync(uint option, byte[] content, Action<uint, byte[]> heed, CancellationToken cancellationToken)
    {
        byte[] magic = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(magic, OptionMagic);
        await _output.WriteAsync((byte[])[.. magic, .. Number(option), .. Number((uint)content.Length), .. content], cancellationToken).ConfigureAwait(false);
        for (int replies = 0; replies < MaxOptionReplies; replies++)
        {
            ulong replyMagic = await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false);
            ulong about = await ReadNumberAsync(4, cancellationToken).ConfigureAwait(false);
            uint type = (uint)await ReadNumberAsync(4, cancellationToken).ConfigureAwait(false);
            uint length = (uint)await ReadNumberAsync(4, cancellationToken).ConfigureAwait(false);
            if (replyMagic != OptionReplyMagic || about != option || length > MaxMessageBytes)
                throw Broken("it answered something that was not asked");
            byte[] reply = new byte[length];
            await FillAsync(reply, cancellationToken).ConfigureAwait(false);
            if ((type & ReplyErrorBit) != 0)
            {
                string words = Words(reply);
                throw new HypervisorException($"{_connection.Endpoint} refused the option {option}: {(words.Length > 0 ? words : $"error {type & ~ReplyErrorBit}")}.", ErrorCode.Unsupported, RequestOutcome.Rejected) { BackendMessage = words };
            }

            if (type == ReplyAcknowledged)
                return;
            heed(type, reply);
        }

        throw Broken($"it has more than {MaxOptionReplies} replies to the option {option}");
    }

    private static byte[] Number(uint number)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }

    private static byte[] Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return [.. Number((uint)bytes.Length), .. bytes];
    }
}
