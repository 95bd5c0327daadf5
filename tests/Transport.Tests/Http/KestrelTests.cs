using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>The same questions to a real server by HttpClient and by this client: the same answers.</summary>
public sealed class KestrelTests
{
    private const int Seed = 2026;
    private const int Questions = 400;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_answer_is_the_one_that_HttpClient_gets(bool ownThread)
    {
        await using KestrelServer server = await KestrelServer.StartAsync();
        using HttpClient theirs = Client(server.Path);
        await using var ours = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Connection = new ConnectionOptions { OwnThread = ownThread } });
        var random = new Random(Seed);
        HttpMethod[] methods = [HttpMethod.Get, HttpMethod.Get, HttpMethod.Head, HttpMethod.Post, HttpMethod.Put, HttpMethod.Patch, HttpMethod.Delete];
        for (int i = 0; i < Questions; i++)
        {
            HttpMethod method = methods[random.Next(methods.Length)];
            bool hasBody = method == HttpMethod.Post || method == HttpMethod.Put || method == HttpMethod.Patch;
            byte[]? body = hasBody ? new byte[random.Next(2) == 0 ? random.Next(100) : random.Next(100_000)] : null;
            random.NextBytes(body ?? []);
            int framing = random.Next(3);
            HttpTarget target = HttpTarget.From($"/{"a path"}/{i}?seed={random.Next()}");
            string expected = await AskTheirsAsync(theirs, method, target, body, framing);
            Assert.Equal(expected, await AskOursAsync(ours, method, target, body, framing, asStream: random.Next(3) == 0));
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Messages_of_all_sizes_come_back_from_a_real_server()
    {
        await using KestrelServer server = await KestrelServer.StartAsync();
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await using WebSocketConnection socket = await WebSocketConnection.ConnectAsync(pool, HttpTarget.Parse("/ws"), cancellationToken: Cancel);
        var random = new Random(Seed);
        foreach (int bytes in (int[])[0, 1, 125, 126, 127, 8191, 8192, 8193, 65535, 65536, 1_000_000])
        {
            byte[] sent = new byte[bytes];
            random.NextBytes(sent);
            Task sending = socket.SendAsync(WebSocketMessageKind.Binary, sent, cancellationToken: Cancel).AsTask();
            WebSocketMessage message = await socket.ReceiveAsync(Cancel);
            Assert.Equal(WebSocketMessageKind.Binary, message.Kind);
            Assert.True(message.Payload.ToArray().AsSpan().SequenceEqual(sent));
            await sending;
        }

        string text = string.Concat(Enumerable.Repeat("Grüße 😀 ", 5000));
        Task sendingText = socket.SendAsync(WebSocketMessageKind.Text, Encoding.UTF8.GetBytes(text), cancellationToken: Cancel).AsTask();
        Assert.Equal(text, (await socket.ReceiveAsync(Cancel)).Text);
        await sendingText;
        await socket.PingAsync("ping"u8.ToArray(), Cancel);
        await socket.CloseAsync(1000, "done", Cancel);
        WebSocketMessage close = await socket.ReceiveAsync(Cancel);
        Assert.Equal((1000, "done"), (close.CloseCode, close.Text));
    }

    private static HttpClient Client(string path) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
    };

    private static async Task<string> AskTheirsAsync(HttpClient client, HttpMethod method, HttpTarget target, byte[]? body, int framing)
    {
        using var request = new HttpRequestMessage(method, new Uri(target.Value, UriKind.Relative));
        request.Headers.Add("X-Given", "given");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new("application/x-test");
            if (framing > 0)
                request.Headers.TransferEncodingChunked = true;
        }

        using HttpResponseMessage response = await client.SendAsync(request, Cancel);
        var headers = response.Headers.Concat(response.Content.Headers).SelectMany(header => header.Value.Select(value => $"{header.Key}: {value}"));
        return Describe((int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync(Cancel));
    }

    private static async Task<string> AskOursAsync(HttpConnectionPool pool, HttpMethod method, HttpTarget target, byte[]? bytes, int framing, bool asStream)
    {
        var request = new HttpRequest(method, target, new HttpHeader("X-Given", "given"));
        HttpRequestBody? body = bytes is null ? null : framing switch
        {
            0 => HttpRequestBody.FromBytes(bytes, "application/x-test"),
            1 => HttpRequestBody.FromStream(new MemoryStream(bytes), contentType: "application/x-test"),
            _ => HttpRequestBody.FromStream(new MemoryStream(bytes), bytes.Length, "application/x-test", expectContinue: true),
        };
        await using HttpResponse response = await pool.SendAsync(request, body, Cancel);
        var headers = new List<string>();
        for (int i = 0; i < response.HeaderCount; i++)
        {
            response.GetHeader(i, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value);
            headers.Add($"{Encoding.ASCII.GetString(name)}: {Encoding.ASCII.GetString(value)}");
        }

        if (!asStream)
            return Describe(response.Status, headers, (await response.ReadSequenceAsync(Cancel)).ToArray());
        var copy = new MemoryStream();
        await response.OpenStream().CopyToAsync(copy, Cancel);
        return Describe(response.Status, headers, copy.ToArray());
    }

    /// <summary>All of an answer but the time of day.</summary>
    private static string Describe(int status, IEnumerable<string> headers, byte[] body) => string.Create(
        CultureInfo.InvariantCulture,
        $"{status}\n{string.Join('\n', headers.Where(header => !header.StartsWith("Date:", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.OrdinalIgnoreCase))}\n{Convert.ToHexString(body)}");
}
