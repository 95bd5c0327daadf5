using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A channel that carries bytes both ways, each within what the other side has said that it takes.</summary>
internal abstract class ByteChannel(SocketSession session, uint number, InstanceRef target) : SocketChannel(session, number)
{
    private const int ChunkBytes = 16 << 10;

    /// <summary>Credit is given back in portions of this size, so that a key press does not cost a message.</summary>
    private const int CreditBytes = SocketSession.WindowBytes / 4;

    private readonly CreditWindow _toClient = new(SocketSession.WindowBytes);
    private readonly CreditWindow _fromClient = new(SocketSession.WindowBytes);

    /// <summary>Never pauses: the credit is what bounds it.</summary>
    private readonly Pipe _typed = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));

    protected InstanceRef Target => target;

    public override void Receive(ReadOnlySpan<byte> payload)
    {
        if (!_fromClient.TrySpend(payload.Length))
            throw new SocketProtocolException($"Channel {Number} was sent more bytes than it gave credit for.");
        if (payload.IsEmpty)
            return;
        _typed.Writer.Write(payload);
        _ = _typed.Writer.FlushAsync(CancellationToken.None).AsTask();
    }

    public override void Credit(int bytes) => _toClient.Return(bytes);

    /// <summary>Copies both ways until one of them ends.</summary>
    protected async Task CopyAsync(IDuplexPipe session, CancellationToken closing)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(closing);
        var output = ToClientAsync(session.Input, ending.Token);
        var input = FromClientAsync(session.Output, ending.Token);
        await (await Task.WhenAny(output, input).ConfigureAwait(false)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(output, input).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        closing.ThrowIfCancellationRequested();
        await ThrowUnlessCancelledAsync(output).ConfigureAwait(false);
        await ThrowUnlessCancelledAsync(input).ConfigureAwait(false);
    }

    private static Task ThrowUnlessCancelledAsync(Task copy) => copy.IsFaulted ? copy : Task.CompletedTask;

    private async Task ToClientAsync(PipeReader reader, CancellationToken ending)
    {
        while (true)
        {
            var read = await reader.ReadAsync(ending).ConfigureAwait(false);
            var rest = read.Buffer;
            while (!rest.IsEmpty)
            {
                int bytes = await _toClient.TakeAsync((int)Math.Min(ChunkBytes, rest.Length), ending).ConfigureAwait(false);
                await Session.SendBytesAsync(Number, rest.Slice(0, bytes), ending).ConfigureAwait(false);
                rest = rest.Slice(bytes);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted || read.IsCanceled)
                return;
        }
    }

    private async Task FromClientAsync(PipeWriter writer, CancellationToken ending)
    {
        int uncredited = 0;
        while (true)
        {
            var read = await _typed.Reader.ReadAsync(ending).ConfigureAwait(false);
            foreach (var segment in read.Buffer)
            {
                if ((await writer.WriteAsync(segment, ending).ConfigureAwait(false)).IsCompleted)
                    return;
                uncredited += segment.Length;
            }

            _typed.Reader.AdvanceTo(read.Buffer.End);
            if (uncredited < CreditBytes)
                continue;
            int credit = uncredited;
            uncredited = 0;
            _fromClient.Return(credit);
            await SendAsync("credit", json => json.WriteNumber("bytes", credit), ending).ConfigureAwait(false);
        }
    }
}
