namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>One line for each request: method, path, status, time, client. Never the query, headers or bodies, which may hold tickets and tokens.</summary>
internal static partial class RequestLog
{
    public static async Task WriteAsync(HttpContext http, RequestDelegate next)
    {
        var log = http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("Hypervisor.Sdk.ReferenceHost.Requests");
        var time = http.RequestServices.GetRequiredService<TimeProvider>();
        long begun = time.GetTimestamp();
        try
        {
            await next(http);
        }
        finally
        {
            // The path as it is written in an address: no character in it ends a line.
            Answered(log, http.Request.Method, http.Request.Path.ToUriComponent(), http.Response.StatusCode, time.GetElapsedTime(begun).TotalMilliseconds, http.Connection.RemoteIpAddress?.ToString() ?? "local");
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Method} {Path} {Status} {Milliseconds:0.0} ms {Client}")]
    private static partial void Answered(ILogger log, string method, string path, int status, double milliseconds, string client);
}
