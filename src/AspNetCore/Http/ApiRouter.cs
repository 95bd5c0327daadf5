namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The kinds of routes there are, so that one line says one route.</summary>
internal sealed class ApiRouter(ApiRouteTable table)
{
    public IEndpointConventionBuilder Get(string pattern, string id, string summary, ApiSchema response, ApiHandler handler, params ApiParameter[] query) =>
        table.Map(new() { Prefix = table.Prefix, Method = "GET", Pattern = pattern, Id = id, Summary = summary, Response = response, Query = query }, handler);

    public IEndpointConventionBuilder Post(string pattern, string id, string summary, ApiSchema? request, ApiSchema response, ApiHandler handler, ApiParameter? query = null, int status = StatusCodes.Status200OK) =>
        table.Map(new() { Prefix = table.Prefix, Method = "POST", Pattern = pattern, Id = id, Summary = summary, Request = request, Response = response, Status = status, Query = query is null ? [] : [query] }, handler);

    /// <summary>Begins work and answers with the operation.</summary>
    public IEndpointConventionBuilder Work(string method, string pattern, string id, string summary, ApiSchema? request, ApiHandler handler, ApiParameter? query = null, bool optionalBody = false) =>
        table.Map(new() { Prefix = table.Prefix, Method = method, Pattern = pattern, Id = id, Summary = summary, Request = request, RequestIsOptional = optionalBody, Response = ApiSchema.Operation, Status = StatusCodes.Status202Accepted, BeginsWork = true, Query = query is null ? [] : [query] }, handler);

    /// <summary>Answers with something that is not JSON.</summary>
    public IEndpointConventionBuilder Raw(string method, string pattern, string id, string summary, string contentType, ApiHandler handler, params ApiParameter[] query) =>
        table.Map(new() { Prefix = table.Prefix, Method = method, Pattern = pattern, Id = id, Summary = summary, ResponseContentType = contentType, Query = query }, handler);

    /// <summary>Answers with nothing.</summary>
    public IEndpointConventionBuilder Empty(string method, string pattern, string id, string summary, ApiHandler handler, params ApiParameter[] query) =>
        table.Map(new() { Prefix = table.Prefix, Method = method, Pattern = pattern, Id = id, Summary = summary, ResponseContentType = null, Status = StatusCodes.Status204NoContent, Query = query }, handler);

    public IEndpointConventionBuilder Socket(string pattern, string id, string summary, ApiHandler handler, params ApiParameter[] query) =>
        table.Map(new() { Prefix = table.Prefix, Method = "GET", Pattern = pattern, Id = id, Summary = summary, ResponseContentType = null, Status = StatusCodes.Status101SwitchingProtocols, Query = query }, handler);

    public IEndpointConventionBuilder Upload(string pattern, string id, string summary, ApiSchema response, ApiHandler handler, params ApiParameter[] query) =>
        table.Map(new() { Prefix = table.Prefix, Method = "PUT", Pattern = pattern, Id = id, Summary = summary, Request = ApiSchema.Bytes, RequestContentType = "application/octet-stream", Response = response, Status = StatusCodes.Status201Created, Query = query }, handler);

    /// <summary>Takes bytes and answers with nothing.</summary>
    public IEndpointConventionBuilder Store(string pattern, string id, string summary, ApiHandler handler, params ApiParameter[] query) =>
        table.Map(new() { Prefix = table.Prefix, Method = "PUT", Pattern = pattern, Id = id, Summary = summary, Request = ApiSchema.Bytes, RequestContentType = "application/octet-stream", ResponseContentType = null, Status = StatusCodes.Status204NoContent, Query = query }, handler);
}
