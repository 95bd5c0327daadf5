namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A request that the API itself refuses, with the HTTP status that says why better than the error code alone.</summary>
internal sealed class RequestRefusedException(int status, string message, ErrorCode code) : HypervisorException(message, code, RequestOutcome.NotSent)
{
    public int Status { get; } = status;

    public static RequestRefusedException Field(string field, string message) =>
        new(StatusCodes.Status400BadRequest, message, ErrorCode.InvalidArgument) { FieldErrors = new Dictionary<string, string> { [field] = message } };

    public static RequestRefusedException TooLarge(int maxBytes) =>
        new(StatusCodes.Status413PayloadTooLarge, $"The request body is longer than {maxBytes} bytes.", ErrorCode.InvalidArgument);

    public static RequestRefusedException NotJson(string? contentType) =>
        new(StatusCodes.Status415UnsupportedMediaType, $"The request body is '{Echo.Short(contentType ?? "")}' and not application/json.", ErrorCode.InvalidArgument);
}
