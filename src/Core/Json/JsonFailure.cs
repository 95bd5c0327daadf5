using System.Text.Json;

namespace Hypervisor.Sdk;

/// <summary>What is wrong with JSON, as the failure that callers see: the path, and the reason.</summary>
internal static class JsonFailure
{
    public static HypervisorException From(JsonException exception, string root)
    {
        string path = exception.Path is { Length: > 0 } found ? string.Concat(root, found.AsSpan(1)) : root;
        string message = exception.Message;
        int position = message.IndexOf(" Path: ", StringComparison.Ordinal);
        message = position < 0 ? message : message[..position];
        if (message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal))
            message = "A value of this kind does not belong here.";
        else if (message.StartsWith("The JSON property ", StringComparison.Ordinal) && message.IndexOf(" could not be mapped", StringComparison.Ordinal) is > 0 and var end)
            message = $"There is no field {message["The JSON property ".Length..end]} here.";
        else if (message.Contains("doesn't allow setting null values", StringComparison.Ordinal))
            message = "It is null, and must not be.";
        return Refuse(path, message, exception);
    }

    public static HypervisorException Refuse(string path, string reason, Exception? cause = null) =>
        new($"The JSON is refused at {path}: {reason}", ErrorCode.InvalidArgument, RequestOutcome.NotSent, cause) { FieldErrors = new Dictionary<string, string> { [path] = reason } };
}
