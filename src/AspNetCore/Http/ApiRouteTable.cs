using Microsoft.AspNetCore.Http.Features;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>
/// Maps the routes, and keeps them for the OpenAPI document. Handlers are mapped as request delegates: nothing is bound by reflection, so the whole surface is trimmed and compiled ahead of time as it is.
/// </summary>
internal sealed class ApiRouteTable(RouteGroupBuilder group, string prefix)
{
    private readonly List<ApiRoute> _routes = [];

    public IReadOnlyList<ApiRoute> Routes => _routes;

    public string Prefix => prefix;

    public IEndpointConventionBuilder Map(ApiRoute route, ApiHandler handler)
    {
        _routes.Add(route);
        return group.MapMethods(route.Pattern, [route.Method], http => HandleAsync(http, route, handler)).WithMetadata(route).WithName($"{prefix} {route.Id}").WithDisplayName($"{route.Method} {prefix}{route.Pattern}");
    }

    private static async Task HandleAsync(HttpContext http, ApiRoute route, ApiHandler handler)
    {
        try
        {
            route.CheckQuery(http.Request);
            if (route.Request is null && http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true && http.Request.ContentLength > 0)
                throw new RequestRefusedException(StatusCodes.Status400BadRequest, "The request has a body where none is expected.", ErrorCode.InvalidArgument);
            await handler(new ApiCall(http, http.RequestServices.GetRequiredService<ApiServices>())).ConfigureAwait(false);
        }
        catch (HypervisorException failure) when (!http.Response.HasStarted)
        {
            await ProblemDocument.WriteAsync(http, failure).ConfigureAwait(false);
        }
        catch (BadHttpRequestException failure) when (!http.Response.HasStarted)
        {
            await ProblemDocument.WriteAsync(http, new RequestRefusedException(failure.StatusCode, failure.Message, ErrorCode.InvalidArgument)).ConfigureAwait(false);
        }
        catch (ArgumentException failure) when (!http.Response.HasStarted && failure is not ArgumentNullException)
        {
            // Misuse, in the words of a driver: whatever it was given came with the request.
            string message = MessageOf(failure);
            await ProblemDocument.WriteAsync(http, failure.ParamName is { Length: > 0 } field ? RequestRefusedException.Field(field, message) : new(StatusCodes.Status400BadRequest, message, ErrorCode.InvalidArgument)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone: there is nobody to answer.
        }
    }

    /// <summary>Without what the framework appends: the parameter's name, and the value.</summary>
    private static string MessageOf(ArgumentException failure)
    {
        int at = failure.Message.IndexOf(" (Parameter '", StringComparison.Ordinal);
        return at < 0 ? failure.Message : failure.Message[..at];
    }
}
