using Hypervisor.Sdk.AspNetCore;
using Microsoft.AspNetCore.Routing.Template;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Calls the API within this process: the same routes, without a connection and without a session. Whoever made the job was let in when he made it.</summary>
internal sealed class InProcessApi(EndpointDataSource endpoints, IServiceScopeFactory scopes)
{
    public Task<ApiAnswer> SendAsync(string method, string path, string query = "", ReadOnlyMemory<byte> body = default, string? contentType = null, IReadOnlyDictionary<string, string>? headers = null,
        long? fencingToken = null, CancellationToken cancellationToken = default) =>
        SendAsync(method, path, query, new MemoryStream(body.ToArray()), contentType, headers, fencingToken, cancellationToken);

    /// <param name="method">The method.</param>
    /// <param name="path">The path, without its query.</param>
    /// <param name="query">The query, with its question mark; or empty.</param>
    /// <param name="body">The body, which stays the caller's.</param>
    /// <param name="contentType">Of the body.</param>
    /// <param name="headers">Further headers.</param>
    /// <param name="fencingToken">That of the job.</param>
    /// <param name="cancellationToken">As a caller who goes away.</param>
    public async Task<ApiAnswer> SendAsync(string method, string path, string query, Stream body, string? contentType, IReadOnlyDictionary<string, string>? headers, long? fencingToken, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider, RequestAborted = cancellationToken };
        var (endpoint, values) = Find(method, path);
        using var answer = new MemoryStream();
        http.SetEndpoint(endpoint);
        if (fencingToken is { } token)
            http.Features.Set(new FencedRequest(token));
        http.Request.Method = method;
        http.Request.Scheme = Uri.UriSchemeHttp;
        http.Request.Host = new HostString("localhost");
        http.Request.Path = path;
        http.Request.QueryString = new QueryString(query);
        http.Request.RouteValues = values;
        http.Request.Body = body;
        http.Request.ContentLength = body.Length;
        http.Request.ContentType = body.Length > 0 ? contentType : null;
        foreach (var (name, value) in headers ?? new Dictionary<string, string>())
            http.Request.Headers[name] = value;
        http.Response.Body = answer;
        await endpoint.RequestDelegate!(http);
        await http.Response.CompleteAsync();
        return new ApiAnswer(http.Response.StatusCode, http.Response.ContentType, Header(http, "Location"), Header(http, "Retry-After"), Header(http, "Preference-Applied"), answer.ToArray());
    }

    private (RouteEndpoint Endpoint, RouteValueDictionary Values) Find(string method, string path)
    {
        foreach (var endpoint in endpoints.Endpoints.OfType<RouteEndpoint>().OrderBy(endpoint => endpoint.RoutePattern.InboundPrecedence))
        {
            var values = new RouteValueDictionary();
            if (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains(method, StringComparer.OrdinalIgnoreCase) == true
                && new TemplateMatcher(new RouteTemplate(endpoint.RoutePattern), []).TryMatch(path, values))
                return (endpoint, values);
        }

        throw new HypervisorException($"This version of the host has nothing at {method} {path}.", ErrorCode.NotFound, RequestOutcome.NotSent);
    }

    private static string? Header(HttpContext http, string name) => http.Response.Headers.TryGetValue(name, out var values) ? values.ToString() : null;
}
