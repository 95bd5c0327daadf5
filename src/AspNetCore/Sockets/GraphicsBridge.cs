using System.Buffers;
using System.Net.WebSockets;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Carries the bytes of a screen over a WebSocket of its own, for viewers that know nothing else. Each side waits for the other: nothing is queued.</summary>
internal sealed class GraphicsBridge(WebSocket socket, GraphicsSession graphics, ApiServices services)
{
    private const int BufferBytes = 16 << 10;
    private static readonly TimeSpan s_closeTimeout = TimeSpan.FromSeconds(2);

    public async Task RunAsync(CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var toViewer = ToViewerAsync(ending.Token);
        var fromViewer = FromViewerAsync(ending.Token);
        await Task.WhenAny(toViewer, fromViewer, Task.Delay(Timeout.Infinite, ending.Token)).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        await toViewer.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await CloseAsync(stopping.IsCancellationRequested ? WebSocketCloseStatus.EndpointUnavailable : WebSocketCloseStatus.NormalClosure, fromViewer).ConfigureAwait(false);
    }

    private async Task ToViewerAsync(CancellationToken ending)
    {
        while (true)
        {
            var read = await graphics.Input.ReadAsync(ending).ConfigureAwait(false);
            foreach (var segment in read.Buffer)
                await socket.SendAsync(segment, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).AsTask().WaitAsync(services.Options.SocketSendTimeout, services.Time, ending).ConfigureAwait(false);
            graphics.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return;
        }
    }

    private async Task FromViewerAsync(CancellationToken ending)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).ConfigureAwait(false);
                if (received.MessageType != WebSocketMessageType.Binary)
                    return;
                if (!ending.IsCancellationRequested && (await graphics.Output.WriteAsync(buffer.AsMemory(0, received.Count), ending).ConfigureAwait(false)).IsCompleted)
                    return;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task CloseAsync(WebSocketCloseStatus status, Task fromViewer)
    {
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(status, "", CancellationToken.None).WaitAsync(s_closeTimeout, services.Time, CancellationToken.None).ConfigureAwait(false);
            await fromViewer.WaitAsync(s_closeTimeout, services.Time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception failure) when (failure is WebSocketException or IOException or TimeoutException)
        {
            // The viewer does not answer: it is cut off below.
        }

        if (!fromViewer.IsCompleted || socket.State != WebSocketState.Closed)
            socket.Abort();
        await fromViewer.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
