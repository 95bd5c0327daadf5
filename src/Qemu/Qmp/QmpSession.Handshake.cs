using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <content>Greeting and negotiation (docs/interop/qmp-spec, "Server Greeting", "Capabilities Negotiation").</content>
internal sealed partial class QmpSession
{
    private async Task HandshakeAsync(CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(_options.HandshakeTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            Greeting = await ReadAsync(ReadGreeting, either.Token).ConfigureAwait(false);
            OutOfBand = _options.OutOfBand && Greeting.Capabilities.Contains(QMPCapability.Oob);

            // A monitor may still be busy with the last command of an earlier client. Its reply comes before ours: a large random id tells them apart.
            long id = RandomNumberGenerator.GetInt32(1 << 24, int.MaxValue);
            string enable = OutOfBand ? ",\"arguments\":{\"enable\":[\"oob\"]}" : "";
            string message = string.Create(CultureInfo.InvariantCulture, $"{{\"execute\":\"qmp_capabilities\"{enable},\"id\":{id}}}\n");
            await _output.WriteAsync(Encoding.UTF8.GetBytes(message), either.Token).ConfigureAwait(false);
            await ReadAsync(line => ReadAgreement(line, id), either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new BackendConnectionException(
                $"{Endpoint} did not greet and negotiate within {_options.HandshakeTimeout.TotalSeconds:0.###} s. A monitor serves one client at a time: is another one connected?",
                ErrorCode.Timeout,
                RequestOutcome.NotSent);
        }
        catch (Exception error) when (error is not HypervisorException { Outcome: RequestOutcome.NotSent })
        {
            throw QmpErrors.NotSent(QmpErrors.CloseReason(Endpoint, error), "The first command");
        }
    }

    private delegate T? ReadLine<out T>(ReadOnlySpan<byte> line)
        where T : class;

    /// <summary>Reads lines until one gives a result.</summary>
    private async Task<T> ReadAsync<T>(ReadLine<T> take, CancellationToken cancellationToken)
        where T : class
    {
        long scannedBytes = 0;
        while (true)
        {
            var read = await _input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = read.Buffer;
            T? taken = null;
            while (taken is null && LineFraming.TryReadLine(ref buffer, _options.MaxMessageBytes, ref scannedBytes, out var line))
            {
                if (!line.IsEmpty)
                    taken = take(line.IsSingleSegment ? line.FirstSpan : line.ToArray());
            }

            // Not examined to the end when there is a result: the next reader finds the rest at once.
            _input.AdvanceTo(buffer.Start, taken is null ? buffer.End : buffer.Start);
            if (taken is not null)
                return taken;
            if (read.IsCompleted)
                throw QmpErrors.Closed(Endpoint, "the server closed it before the negotiation was done");
        }
    }

    private QmpGreeting ReadGreeting(ReadOnlySpan<byte> line)
    {
        var message = QmpMessage.Parse(line);
        if (message.Kind != QmpMessageKind.Greeting)
            throw QmpErrors.BrokenProtocol(Endpoint, "it did not begin with a greeting");
        var r = new Utf8JsonReader(message.Value, Wire.ReaderOptions);
        r.Read();
        return new QmpGreeting(ref r);
    }

    private QmpGreeting? ReadAgreement(ReadOnlySpan<byte> line, long id)
    {
        var message = QmpMessage.Parse(line);
        if (message.Kind == QmpMessageKind.Greeting)
            throw QmpErrors.BrokenProtocol(Endpoint, "it greeted a second time");
        if (message.Kind == QmpMessageKind.Event || message.Id != id)
            return null;
        if (message.Kind == QmpMessageKind.Error)
            throw QmpErrors.Rejected(message.Value, Peer, "qmp_capabilities");
        return Greeting;
    }
}
