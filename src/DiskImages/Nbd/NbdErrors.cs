using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>The exceptions of the NBD client.</summary>
internal static class NbdErrors
{
    public static BackendProtocolException BrokenProtocol(string endpoint, string what) => new($"{endpoint} broke the protocol: {what}.", ErrorCode.Protocol, RequestOutcome.Unknown);

    public static BackendConnectionException Closed(string endpoint, string what, Exception? inner) => new($"The connection to {endpoint} is closed: {what}.", ErrorCode.Unavailable, RequestOutcome.Unknown, inner);

    public static BackendConnectionException NotConnected(ConnectException error) =>
        new(error.Message, error.Failure == ConnectFailure.Denied ? ErrorCode.Denied : ErrorCode.Unavailable, RequestOutcome.NotSent, error);
}
