using System.Buffers;
using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>Steady state allocates nothing: all threads of the process together, 100,000 requests over a real unix socket.</summary>
[Collection(nameof(AllocationTests))]
public sealed class HttpAllocationTests
{
    private const int Requests = 100_000;
    private const int AllowedBytes = 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 300_000)]
    [InlineData(false, false, 1)]
    [InlineData(true, false, 1)]
    [InlineData(true, true, 8)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_hundred_thousand_requests_allocate_nothing(bool ownThread, bool chunked, int concurrency)
    {
        string body = new('x', 2000);
        byte[] answer = Encoding.ASCII.GetBytes(chunked
            ? $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7D0\r\n{body}\r\n0\r\n\r\n"
            : $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"1\"\r\nContent-Length: 2000\r\n\r\n{body}");
        using var server = new BlockingServer(socket => BlockingServer.AnswerHeads(socket, answer));
        await using var pool = new HttpConnectionPool(
            HttpEndpoint.Unix(server.Path), new HttpPoolOptions { MaxConnections = concurrency, Connection = new ConnectionOptions { OwnThread = ownThread } });
        var request = new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/1.0/instances?recursion=2"), new HttpHeader("Accept", "application/json"));
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        // Loops that stay: beginning one would allocate.
        var loops = new Loop[concurrency];
        for (int i = 0; i < concurrency; i++)
            loops[i] = new Loop(loop => AskAsync(pool, request, loop, cancellation.Token));
        long allocated = await AllocationMeter.MeasureAsync(AllowedBytes, () =>
        {
            foreach (Loop loop in loops)
                loop.Go(Requests / concurrency);
            foreach (Loop loop in loops)
                loop.WaitUntilDone();
            return Task.CompletedTask;
        });
        foreach (Loop loop in loops)
            await loop.EndAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{allocated} bytes for {Requests} requests");
        Assert.InRange(allocated, 0, AllowedBytes);
    }

    private static async Task AskAsync(HttpConnectionPool pool, HttpRequest request, Loop loop, CancellationToken cancellationToken)
    {
        while (true)
        {
            int count = await loop.NextAsync();
            if (count == 0)
                return;
            for (int i = 0; i < count; i++)
            {
                HttpResponse response = await pool.SendAsync(request, cancellationToken);
                if (response.Status != 200 || !response.TryGetHeader("content-type"u8, out _))
                    throw new InvalidOperationException("The answer is wrong.");
                ReadOnlySequence<byte> body = await response.ReadSequenceAsync(cancellationToken);
                if (body.Length != 2000)
                    throw new InvalidOperationException("The body is wrong.");
                await response.DisposeAsync();
            }

            loop.Done();
        }
    }
}
