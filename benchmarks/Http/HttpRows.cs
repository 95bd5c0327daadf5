using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Net.WebSockets;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Benchmarks.Http;

/// <summary>One row of the report in this process: warm, then windows; prints processor time, elapsed time and bytes for one operation.</summary>
internal static class HttpRows
{
    public const string Command = "http-row";

    private const int Windows = 15;

    public static async Task<int> RunAsync(string row, int concurrency, string path)
    {
        bool isBig = row.EndsWith("65536", StringComparison.Ordinal);
        int operations = isBig ? 500 : 3_000;
        int warmup = isBig ? 3_000 : 30_000;
        Func<int, Task> work = await WorkAsync(row, path);
        await TogetherAsync(work, concurrency, warmup / 2);
        await TogetherAsync(work, concurrency, warmup / 2);
        GC.Collect();
        var cpu = new List<double>();
        var elapsed = new List<double>();
        for (int window = 0; window < Windows; window++)
        {
            double before = ProcessClock.Microseconds;
            long start = Stopwatch.GetTimestamp();
            await TogetherAsync(work, concurrency, operations);
            elapsed.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / operations);
            cpu.Add((ProcessClock.Microseconds - before) / operations);
        }

        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        await TogetherAsync(work, concurrency, operations * 5);
        bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Median(cpu)} {Median(elapsed)} {(double)bytes / (operations * 5)}"));
        return 0;
    }

    private static Task TogetherAsync(Func<int, Task> work, int concurrency, int operations) =>
        concurrency == 1 ? work(operations) : Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => Task.Run(() => work(operations / concurrency))));

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static async Task<Func<int, Task>> WorkAsync(string row, string path)
    {
        int bytes = row.Split('-') is [.., var last] && int.TryParse(last, CultureInfo.InvariantCulture, out int size) ? size : 0;
        if (row == "httpclient")
            return HttpClientWork(path);
        if (row.StartsWith("clientwebsocket", StringComparison.Ordinal))
            return await ClientWebSocketWorkAsync(path, bytes);
        var pool = new HttpConnectionPool(HttpEndpoint.Unix(path), new HttpPoolOptions { Connection = new ConnectionOptions { OwnThread = row.Contains("own-thread", StringComparison.Ordinal) } });
        return bytes == 0 ? PoolWork(pool) : await WebSocketWorkAsync(pool, bytes);
    }

    private static SocketsHttpHandler Handler(string path) => new()
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    /// <summary>As one who minds allocations would: the headers first, the body into a buffer that is kept.</summary>
    private static Func<int, Task> HttpClientWork(string path)
    {
        var invoker = new HttpMessageInvoker(Handler(path));
        var uri = new Uri("http://localhost/1.0/instances?recursion=1");
        return async count =>
        {
            byte[] buffer = new byte[16 * 1024];
            for (int i = 0; i < count; i++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, uri);
                request.Headers.TryAddWithoutValidation("Accept", "application/json");
                using HttpResponseMessage response = await invoker.SendAsync(request, CancellationToken.None).ConfigureAwait(false);
                await using Stream body = await response.Content.ReadAsStreamAsync().ConfigureAwait(false);
                Check(response.IsSuccessStatusCode && await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false).ConfigureAwait(false) == HttpStub.BodyBytes);
            }
        };
    }

    private static Func<int, Task> PoolWork(HttpConnectionPool pool)
    {
        var request = new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/1.0/instances?recursion=1"), new HttpHeader("Accept", "application/json"));
        return async count =>
        {
            for (int i = 0; i < count; i++)
            {
                HttpResponse response = await pool.SendAsync(request).ConfigureAwait(false);
                ReadOnlySequence<byte> body = await response.ReadSequenceAsync().ConfigureAwait(false);
                Check(response.IsSuccess && body.Length == HttpStub.BodyBytes);
                await response.DisposeAsync().ConfigureAwait(false);
            }
        };
    }

    private static async Task<Func<int, Task>> ClientWebSocketWorkAsync(string path, int bytes)
    {
        var socket = new ClientWebSocket();
        using var invoker = new HttpMessageInvoker(Handler(path), disposeHandler: false);
        await socket.ConnectAsync(new Uri($"ws://localhost/ws/{bytes}"), invoker, CancellationToken.None);
        byte[] sent = new byte[bytes];
        byte[] received = new byte[bytes];
        return async count =>
        {
            for (int i = 0; i < count; i++)
            {
                await socket.SendAsync(sent.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).ConfigureAwait(false);
                int at = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await socket.ReceiveAsync(received.AsMemory(at), CancellationToken.None).ConfigureAwait(false);
                    at += part.Count;
                }
                while (!part.EndOfMessage);
                Check(at == bytes);
            }
        };
    }

    private static async Task<Func<int, Task>> WebSocketWorkAsync(HttpConnectionPool pool, int bytes)
    {
        WebSocketConnection socket = await WebSocketConnection.ConnectAsync(pool, HttpTarget.Parse($"/ws/{bytes}"));
        byte[] sent = new byte[bytes];
        return async count =>
        {
            for (int i = 0; i < count; i++)
            {
                await socket.SendAsync(WebSocketMessageKind.Binary, sent).ConfigureAwait(false);
                WebSocketMessage message = await socket.ReceiveAsync().ConfigureAwait(false);
                Check(message.Payload.Length == bytes);
            }
        };
    }

    private static void Check(bool isRight)
    {
        if (!isRight)
            throw new InvalidOperationException("The answer is wrong.");
    }
}
