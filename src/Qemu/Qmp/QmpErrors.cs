using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>The exceptions of the QMP and guest agent clients.</summary>
internal static class QmpErrors
{
    /// <summary>The server's own no, its words verbatim.</summary>
    /// <param name="value">The value of "error": class and desc.</param>
    /// <param name="peer">Who said no, for the message.</param>
    /// <param name="command">To what.</param>
    public static HypervisorException Rejected(ReadOnlySpan<byte> value, string peer, string command)
    {
        string errorClass = "";
        string description = "";
        var r = new Utf8JsonReader(value, Wire.ReaderOptions);
        r.Read();
        for (r.Open(); r.NextMember();)
        {
            if (r.Is("class"u8))
                errorClass = r.Str();
            else if (r.Is("desc"u8))
                description = r.Str();
            else
                r.SkipMember();
        }

        return new HypervisorException($"{peer} rejected {command}: {description}", CodeOf(errorClass), RequestOutcome.Rejected)
        {
            BackendCode = errorClass,
            BackendMessage = description,
        };
    }

    public static HypervisorException NotOffered(string command, string peer) =>
        new($"{peer} does not offer the command {command}: it was not sent.", ErrorCode.Unsupported, RequestOutcome.NotSent) { BackendCode = "CommandNotFound" };

    public static HypervisorException TooManyCalls(string command, int maxCalls, string endpoint) =>
        new($"{command} was not sent: {maxCalls} calls to {endpoint} are in flight already.", ErrorCode.Exhausted, RequestOutcome.NotSent);

    public static HypervisorException TimedOut(string command, TimeSpan timeout, string endpoint) =>
        new($"{endpoint} did not answer {command} within {timeout.TotalSeconds:0.###} s. It may be executed later.", ErrorCode.Timeout, RequestOutcome.Unknown);

    /// <summary>The connection still works: one reply has not the shape that the schema promises. The command was executed.</summary>
    public static HypervisorException UnreadableReply(string command, string endpoint, Exception why) =>
        new($"The reply of {endpoint} to {command} has not the shape of its schema: {why.Message}.", ErrorCode.Protocol, RequestOutcome.Unknown, why);

    public static BackendProtocolException BrokenProtocol(string endpoint, string what, Exception? inner = null) =>
        new($"{endpoint} broke the protocol: {what}.", ErrorCode.Protocol, RequestOutcome.Unknown, inner);

    public static BackendConnectionException Closed(string endpoint, string what, Exception? inner = null) =>
        new($"The connection to {endpoint} is closed: {what}.", ErrorCode.Unavailable, RequestOutcome.Unknown, inner);

    public static BackendConnectionException NotConnected(ConnectException error) =>
        new(error.Message, error.Failure == ConnectFailure.Denied ? ErrorCode.Denied : ErrorCode.Unavailable, RequestOutcome.NotSent, error);

    /// <summary>The same reason for a call that came too late to be sent.</summary>
    public static HypervisorException NotSent(HypervisorException reason, string command) => reason is BackendProtocolException
        ? new BackendProtocolException($"{command} was not sent. {reason.Message}", reason.Code, RequestOutcome.NotSent, reason)
        : new BackendConnectionException($"{command} was not sent. {reason.Message}", reason.Code, RequestOutcome.NotSent, reason);

    /// <summary>What a loop ended with, as the reason that every pending call sees.</summary>
    public static HypervisorException CloseReason(string endpoint, Exception error) => error switch
    {
        HypervisorException known => known,
        JsonException => BrokenProtocol(endpoint, "it sent something that is not JSON", error),
        QapiFormatException => BrokenProtocol(endpoint, $"it sent something that is no message: {error.Message}", error),
        FramingException => BrokenProtocol(endpoint, error.Message.TrimEnd('.'), error),
        InvalidOperationException or FormatException => BrokenProtocol(endpoint, "it sent text that is not UTF-8 or a number out of range", error),
        _ => Closed(endpoint, error.Message.TrimEnd('.'), error),
    };

    /// <summary>QapiErrorClass (qapi/error.json). Everything else is GenericError, whose words are not to be parsed.</summary>
    private static ErrorCode CodeOf(string errorClass) => errorClass switch
    {
        "CommandNotFound" => ErrorCode.Unsupported,
        "DeviceNotFound" => ErrorCode.NotFound,
        "DeviceNotActive" => ErrorCode.InvalidState,
        "KVMMissingCap" => ErrorCode.Unsupported,
        _ => ErrorCode.Unspecified,
    };
}
