namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Says no as problem details, in the words of the API.</summary>
internal static class Refusal
{
    public static Task WriteAsync(HttpContext http, int status, ErrorCode code, string detail) =>
        Results.Problem(detail, statusCode: status, extensions: new Dictionary<string, object?> { ["code"] = code.ToString() }).ExecuteAsync(http);
}
