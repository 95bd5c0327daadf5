namespace Hypervisor.Sdk.AspNetCore;

/// <summary>One route of the API: what is mapped, what is checked before its handler runs, and what the OpenAPI document says of it.</summary>
internal sealed class ApiRoute
{
    public required string Prefix { get; init; }

    public required string Method { get; init; }

    public required string Pattern { get; init; }

    public required string Id { get; init; }

    public required string Summary { get; init; }

    /// <summary>The schema of the request body; null when there is none.</summary>
    public ApiSchema? Request { get; init; }

    public bool RequestIsOptional { get; init; }

    public string RequestContentType { get; init; } = "application/json";

    /// <summary>The schema of the answer; null when it is not JSON or has no content.</summary>
    public ApiSchema? Response { get; init; }

    public string? ResponseContentType { get; init; } = "application/json";

    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>Begins work: takes Idempotency-Key, If-Match and Prefer, and answers with an operation.</summary>
    public bool BeginsWork { get; init; }

    /// <summary>The query parameters; any other is refused by name. One that ends in <c>*</c> stands for all that begin so.</summary>
    public IReadOnlyList<ApiParameter> Query { get; init; } = [];

    public void CheckQuery(HttpRequest request)
    {
        foreach (string name in request.Query.Keys)
        {
            if (!Query.Any(parameter => parameter.Accepts(name)))
                throw RequestRefusedException.Field(name, $"There is no query parameter '{Echo.Short(name)}' here.");
        }
    }
}
