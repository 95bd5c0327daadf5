using System.Net.WebSockets;
using System.Security.Cryptography;
using Hypervisor.Sdk.Transport.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>Kestrel on a unix socket: answers as the query says, tells what it was sent, echoes WebSocket messages.</summary>
internal sealed class KestrelServer : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly WebApplication _application;

    private KestrelServer()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ListenUnixSocket(_directory["k"]);
            kestrel.Limits.MaxRequestBodySize = null;
        });
        _application = builder.Build();
        _application.UseWebSockets();
        _application.Run(ServeAsync);
    }

    public string Path => _directory["k"];

    public HttpEndpoint Endpoint => HttpEndpoint.Unix(Path);

    public static async Task<KestrelServer> StartAsync()
    {
        var server = new KestrelServer();
        await server._application.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _directory.Dispose();
    }

    private static Task ServeAsync(HttpContext context) => context.WebSockets.IsWebSocketRequest ? EchoAsync(context) : AnswerAsync(context);

    /// <summary>The query has the seed of the answer; the headers of the answer have what was asked.</summary>
    private static async Task AnswerAsync(HttpContext context)
    {
        byte[] received = await SHA256.HashDataAsync(context.Request.Body);
        var random = new Random(int.Parse(context.Request.Query["seed"]!, System.Globalization.CultureInfo.InvariantCulture));
        Microsoft.AspNetCore.Http.HttpResponse response = context.Response;
        int[] statuses = [200, 200, 200, 201, 204, 206, 304, 400, 404, 409, 500, 503];
        response.StatusCode = statuses[random.Next(statuses.Length)];
        response.Headers["X-Asked"] = $"{context.Request.Method} {context.Request.Path} {context.Request.Headers["X-Given"]} {context.Request.Headers.ContentType}";
        response.Headers["X-Received"] = Convert.ToHexString(received);
        for (int headers = random.Next(5); headers > 0; headers--)
            response.Headers.Append($"X-{random.Next(3)}", new string('v', random.Next(100)));
        if (random.Next(5) == 0)
            response.Headers.Connection = "close";
        byte[] body = new byte[random.Next(3) switch { 0 => 0, 1 => random.Next(2000), _ => random.Next(200_000) }];
        random.NextBytes(body);
        bool hasBody = response.StatusCode is not (204 or 304) && context.Request.Method != "HEAD";
        bool isChunked = random.Next(2) == 0;
        if (!isChunked && response.StatusCode is not (204 or 304))
            response.ContentLength = body.Length;
        if (isChunked && hasBody && random.Next(2) == 0 && context.Features.Get<IHttpResponseTrailersFeature>() is { } trailers)
            trailers.Trailers["X-Trailer"] = "1";
        for (int at = 0; hasBody && at < body.Length;)
        {
            int count = Math.Min(body.Length - at, random.Next(1, 50_000));
            await response.Body.WriteAsync(body.AsMemory(at, count));
            if (random.Next(2) == 0)
                await response.Body.FlushAsync();
            at += count;
        }
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[8192];
        while (true)
        {
            WebSocketReceiveResult part = await socket.ReceiveAsync(buffer, context.RequestAborted);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(part.CloseStatus ?? WebSocketCloseStatus.NormalClosure, part.CloseStatusDescription, context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, context.RequestAborted);
        }
    }
}
