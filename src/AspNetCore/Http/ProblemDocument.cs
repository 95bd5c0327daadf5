using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A failure as problem details (RFC 9457), with the members that say why and whether it may have happened.</summary>
internal static class ProblemDocument
{
    public const string ContentType = "application/problem+json";

    private static readonly Dictionary<ErrorCode, int> s_statuses = new()
    {
        [ErrorCode.NotFound] = StatusCodes.Status404NotFound,
        [ErrorCode.AlreadyExists] = StatusCodes.Status409Conflict,
        [ErrorCode.Conflict] = StatusCodes.Status409Conflict,
        [ErrorCode.InvalidState] = StatusCodes.Status409Conflict,
        [ErrorCode.Locked] = StatusCodes.Status409Conflict,
        [ErrorCode.InvalidArgument] = StatusCodes.Status400BadRequest,
        [ErrorCode.Unsupported] = StatusCodes.Status422UnprocessableEntity,
        [ErrorCode.Denied] = StatusCodes.Status403Forbidden,
        [ErrorCode.Unauthenticated] = StatusCodes.Status401Unauthorized,
        [ErrorCode.Exhausted] = StatusCodes.Status507InsufficientStorage,
        [ErrorCode.Unavailable] = StatusCodes.Status503ServiceUnavailable,
        [ErrorCode.Timeout] = StatusCodes.Status504GatewayTimeout,
    };

    public static int StatusOf(HypervisorException failure) =>
        failure is RequestRefusedException refused ? refused.Status : s_statuses.GetValueOrDefault(failure.Code, StatusCodes.Status500InternalServerError);

    public static async Task WriteAsync(HttpContext http, HypervisorException failure)
    {
        var response = http.Response;
        response.StatusCode = StatusOf(failure);
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-store";
        if (RetryAfterSeconds(failure) is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        using (var writer = new Utf8JsonWriter(response.BodyWriter))
            Write(writer, failure);
        await response.BodyWriter.FlushAsync(http.RequestAborted).ConfigureAwait(false);
    }

    public static void Write(Utf8JsonWriter writer, HypervisorException failure)
    {
        int status = StatusOf(failure);
        writer.WriteStartObject();
        writer.WriteString("type", "about:blank");
        writer.WriteString("title", ReasonPhrases.GetReasonPhrase(status));
        writer.WriteNumber("status", status);
        writer.WriteString("detail", failure.Message);
        writer.WriteString("code", failure.Code.IsDefault ? ErrorCode.Unspecified.ToString() : failure.Code.ToString());
        writer.WriteString("outcome", JsonNamingPolicy.CamelCase.ConvertName(failure.Outcome.ToString()));
        if (failure.Backend is { } backend)
            writer.WriteString("backend", backend.ToString());
        WriteText(writer, "resource", failure.Resource);
        WriteText(writer, "backendCode", failure.BackendCode);
        WriteText(writer, "backendMessage", failure.BackendMessage);
        if (failure.FieldErrors is { Count: > 0 } fields)
        {
            writer.WriteStartObject("fieldErrors");
            foreach (var (field, message) in fields)
                writer.WriteString(field, message);
            writer.WriteEndObject();
        }

        if (failure.RetryAfter is { } retryAfter)
            writer.WriteNumber("retryAfter", retryAfter.TotalSeconds);
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
            writer.WriteString(name, value);
    }

    private static long? RetryAfterSeconds(HypervisorException failure)
    {
        if (failure.RetryAfter is { } stated)
            return (long)Math.Ceiling(Math.Max(1, stated.TotalSeconds));
        return failure.Code == ErrorCode.Unavailable ? 5 : null;
    }
}
