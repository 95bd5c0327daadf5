using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hypervisor.Sdk.Remote;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>Messages on a channel: a length of four bytes and JSON.</summary>
internal sealed class MigrationFrames(BackendChannel channel)
{
    private const int MaxBytes = 4 << 20;

    private static readonly LengthFormat s_format = new() { MinPayloadBytes = 2, MaxPayloadBytes = MaxBytes };

    private readonly FrameReader _frames = FrameReader.Lengths(channel.Input, s_format);

    /// <summary>The next message; null when the channel has ended, in whichever way.</summary>
    public async Task<T?> ReadAsync<T>(JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            while (true)
            {
                if (_frames.TryRead(out var frame))
                    return JsonSerializer.Deserialize(frame.ToArray(), type);
                if (!await _frames.WaitAsync(cancellationToken).ConfigureAwait(false))
                    return null;
            }
        }
        catch (Exception error) when (error is HypervisorException or IOException or FramingException or JsonException or ObjectDisposedException or InvalidOperationException)
        {
            // What cannot be read is as good as an end.
            return null;
        }
    }

    /// <returns>False when the channel has ended.</returns>
    public async Task<bool> TryWriteAsync<T>(T message, JsonTypeInfo<T> type)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(message, type);
        byte[] frame = new byte[LengthFormat.PrefixBytes + json.Length];
        LengthFraming.WriteLength(frame, s_format, json.Length);
        json.CopyTo(frame, LengthFormat.PrefixBytes);
        try
        {
            var sent = await channel.Output.WriteAsync(frame, CancellationToken.None).ConfigureAwait(false);
            return !sent.IsCompleted && !sent.IsCanceled;
        }
        catch (Exception error) when (error is HypervisorException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            return false;
        }
    }
}
