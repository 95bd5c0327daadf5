using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.Tests.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Transport.Tests.WebSockets;

/// <summary>Steady state allocates nothing for a message either, all threads of the process together.</summary>
[Collection(nameof(AllocationTests))]
public sealed class WebSocketAllocationTests
{
    private const int AllowedBytes = 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(64, 100_000, false)]
    [InlineData(64, 100_000, true)]
    [InlineData(64 * 1024, 5_000, false)]
    [Speed(SpeedAttribute.Slow)]
    public async Task Messages_there_and_back_allocate_nothing(int bytes, int messages, bool ownThread)
    {
        using var server = new BlockingServer(socket => Echo(socket, bytes));
        await using var pool = new HttpConnectionPool(HttpEndpoint.Unix(server.Path), new HttpPoolOptions { Connection = new ConnectionOptions { OwnThread = ownThread } });
        await using WebSocketConnection socket = await WebSocketConnection.ConnectAsync(pool, HttpTarget.Parse("/ws"), cancellationToken: Cancel);
        byte[] payload = new byte[bytes];
        Array.Fill(payload, (byte)'x');
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var loop = new Loop(self => ExchangeAsync(socket, payload, self, cancellation.Token));
        long allocated = await AllocationMeter.MeasureAsync(AllowedBytes, () =>
        {
            loop.Go(messages);
            loop.WaitUntilDone();
            return Task.CompletedTask;
        });
        await loop.EndAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{allocated} bytes for {messages} messages of {bytes} bytes there and back");
        Assert.InRange(allocated, 0, AllowedBytes);
    }

    private static async Task ExchangeAsync(WebSocketConnection socket, byte[] payload, Loop loop, CancellationToken cancellationToken)
    {
        while (true)
        {
            int count = await loop.NextAsync();
            if (count == 0)
                return;
            for (int i = 0; i < count; i++)
            {
                await socket.SendAsync(WebSocketMessageKind.Text, payload, cancellationToken: cancellationToken);
                WebSocketMessage message = await socket.ReceiveAsync(cancellationToken);
                if (message.Payload.Length != payload.Length)
                    throw new InvalidOperationException("The message is wrong.");
            }

            loop.Done();
        }
    }

    private static void Echo(Socket socket, int bytes)
    {
        byte[] buffer = new byte[bytes + 14];
        string head = "";
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal))
            head += Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
        socket.Send(Encoding.ASCII.GetBytes(WebSocketRawServer.Accept(head, "")));
        byte[] payload = new byte[bytes];
        Array.Fill(payload, (byte)'y');
        byte[] answer = WebSocketRawServer.Frame(0x81, payload);
        // A client's frame is the server's with a mask of four bytes.
        int frameBytes = answer.Length + 4;
        while (true)
        {
            for (int filled = 0; filled < frameBytes;)
            {
                int received = socket.Receive(buffer, 0, Math.Min(buffer.Length, frameBytes - filled), SocketFlags.None);
                if (received == 0)
                    return;
                filled += received;
            }

            socket.Send(answer);
        }
    }
}
