using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>Sends a stream with a call, as fast as it is taken.</summary>
internal static class RemoteUpload
{
    /// <summary>Makes a call, sends it the stream to its end, and returns what the call led to.</summary>
    public static async Task<ValueReader?> SendAsync(RemoteCall call, Stream content, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        var session = await call.OpenAsync(cancellationToken, progress).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var ended = session.EndedAsync(cancellationToken);
            var sending = SendAsync(session, content, ending.Token);
            if (await Task.WhenAny(ended, sending).ConfigureAwait(false) == sending)
            {
                // What the stream throws is the caller's to see, and ends the call.
                await sending.ConfigureAwait(false);
                return await ended.ConfigureAwait(false);
            }

            // The other end wants no more of it, or it was cancelled: the stream is the caller's again when nobody reads it any more.
            await ending.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return await ended.ConfigureAwait(false);
        }
    }

    private static async Task SendAsync(RemoteSession session, Stream content, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[WireProtocol.ChunkBytes];
        while (await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and int bytes)
            await session.SendAsync(buffer.AsMemory(0, bytes), cancellationToken).ConfigureAwait(false);
        await session.EndInputAsync().ConfigureAwait(false);
    }
}
