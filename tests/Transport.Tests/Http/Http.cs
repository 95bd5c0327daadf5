using System.Buffers;
using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>Short words for what these tests say often.</summary>
internal static class Http
{
    public static readonly HttpRequest Get = new(HttpMethod.Get, HttpTarget.Parse("/a"));
    public static readonly HttpRequest Post = new(HttpMethod.Post, HttpTarget.Parse("/a"));

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Sends, reads all and returns status and body.</summary>
    public static async Task<string> AskAsync(this HttpConnectionPool pool, HttpRequest? request = null, HttpRequestBody? body = null)
    {
        await using HttpResponse response = await pool.SendAsync(request ?? Get, body, Cancel);
        return $"{response.Status} {Encoding.Latin1.GetString((await response.ReadSequenceAsync(Cancel)).ToArray())}";
    }

    /// <summary>Waits for something that other threads do.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            Cancel.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
