using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <summary>The exceptions of the client.</summary>
internal static class LibvirtErrors
{
    public static LibvirtException Rejected(in VirError error, string endpoint, string procedure) => new(error, endpoint, procedure);

    public static HypervisorException TooManyCalls(string procedure, int maxCalls, string endpoint) =>
        new($"{procedure} was not sent: {maxCalls} calls to {endpoint} are waiting already.", ErrorCode.Exhausted, RequestOutcome.NotSent);

    public static HypervisorException TimedOut(string procedure, TimeSpan timeout, string endpoint, bool wasSent) => wasSent
        ? new($"{endpoint} did not answer {procedure} within {timeout.TotalSeconds:0.###} s. It may be executed later.", ErrorCode.Timeout, RequestOutcome.Unknown)
        : new($"{procedure} was not sent to {endpoint} within {timeout.TotalSeconds:0.###} s: the calls before it were not answered.", ErrorCode.Timeout, RequestOutcome.NotSent);

    /// <summary>The connection still works: one reply has not the form that the protocol gives it. The call was executed.</summary>
    public static HypervisorException UnreadableReply(string procedure, string endpoint, Exception why) =>
        new($"The reply of {endpoint} to {procedure} has not the form of the protocol: {why.Message}.", ErrorCode.Protocol, RequestOutcome.Unknown, why);

    public static BackendProtocolException BrokenProtocol(string endpoint, string what, Exception? inner = null) =>
        new($"{endpoint} broke the protocol: {what}.", ErrorCode.Protocol, RequestOutcome.Unknown, inner);

    public static BackendConnectionException Closed(string endpoint, string what, Exception? inner = null) =>
        new($"The connection to {endpoint} is closed: {what}.", ErrorCode.Unavailable, RequestOutcome.Unknown, inner);

    public static BackendConnectionException KeepAliveFailed(string endpoint, int count, TimeSpan interval) =>
        new($"The connection to {endpoint} is closed: {count} keepalive messages, one every {interval.TotalSeconds:0.###} s, were not answered.", ErrorCode.Timeout, RequestOutcome.Unknown);

    public static BackendConnectionException NotConnected(ConnectException error) => new(error.Message, error.Failure switch
    {
        ConnectFailure.Denied => ErrorCode.Denied,
        ConnectFailure.TimedOut => ErrorCode.Timeout,
        ConnectFailure.Untrusted => ErrorCode.Unauthenticated,
        _ => ErrorCode.Unavailable,
    }, RequestOutcome.NotSent, error);

    /// <summary>The reason that the connection is gone, for a call that was not sent any more.</summary>
    public static HypervisorException NotSent(HypervisorException reason, string procedure) => reason is BackendProtocolException
        ? new BackendProtocolException($"{procedure} was not sent. {reason.Message}", reason.Code, RequestOutcome.NotSent, reason)
        : new BackendConnectionException($"{procedure} was not sent. {reason.Message}", reason.Code, RequestOutcome.NotSent, reason);

    /// <summary>What a loop ended with, as the reason that every pending call sees.</summary>
    public static HypervisorException CloseReason(string endpoint, Exception error) => error switch
    {
        BackendConnectionException or BackendProtocolException => (HypervisorException)error,
        XdrException => BrokenProtocol(endpoint, error.Message, error),
        FramingException => BrokenProtocol(endpoint, error.Message.TrimEnd('.'), error),
        _ => Closed(endpoint, error.Message.TrimEnd('.'), error),
    };

    /// <summary>virErrorNumber of virterror.h, in our words.</summary>
    public static ErrorCode CodeOf(VirErrorNumber number) => number switch
    {
        VirErrorNumber.ErrNoSupport or VirErrorNumber.ErrOperationUnsupported or VirErrorNumber.ErrConfigUnsupported or VirErrorNumber.ErrArgumentUnsupported => ErrorCode.Unsupported,
        VirErrorNumber.ErrInvalidArg or VirErrorNumber.ErrXmlError or VirErrorNumber.ErrXmlDetail or VirErrorNumber.ErrXmlInvalidSchema or VirErrorNumber.ErrInvalidMac
            or VirErrorNumber.ErrParseFailed or VirErrorNumber.ErrInvalidDomain or VirErrorNumber.ErrOsType or VirErrorNumber.ErrNoName => ErrorCode.InvalidArgument,
        VirErrorNumber.ErrOperationDenied or VirErrorNumber.ErrAccessDenied => ErrorCode.Denied,
        VirErrorNumber.ErrAuthFailed or VirErrorNumber.ErrAuthCancelled or VirErrorNumber.ErrAuthUnavailable => ErrorCode.Unauthenticated,
        VirErrorNumber.ErrNoDomain or VirErrorNumber.ErrNoNetwork or VirErrorNumber.ErrNoStoragePool or VirErrorNumber.ErrNoStorageVol or VirErrorNumber.ErrNoNodeDevice
            or VirErrorNumber.ErrNoInterface or VirErrorNumber.ErrNoNwfilter or VirErrorNumber.ErrNoSecret or VirErrorNumber.ErrNoDomainSnapshot or VirErrorNumber.ErrNoDomainMetadata
            or VirErrorNumber.ErrNoServer or VirErrorNumber.ErrNoClient or VirErrorNumber.ErrDeviceMissing or VirErrorNumber.ErrNoNwfilterBinding or VirErrorNumber.ErrNoDomainCheckpoint
            or VirErrorNumber.ErrNoDomainBackup or VirErrorNumber.ErrNoNetworkPort or VirErrorNumber.ErrNoNetworkMetadata => ErrorCode.NotFound,
        VirErrorNumber.ErrDomExist or VirErrorNumber.ErrNetworkExist or VirErrorNumber.ErrStorageVolExist or VirErrorNumber.ErrNetworkPortExist
            or VirErrorNumber.ErrStoragePoolBuilt => ErrorCode.AlreadyExists,
        VirErrorNumber.ErrOperationInvalid or VirErrorNumber.ErrBlockCopyActive => ErrorCode.InvalidState,
        VirErrorNumber.ErrOperationTimeout or VirErrorNumber.ErrAgentCommandTimeout => ErrorCode.Timeout,
        VirErrorNumber.ErrOperationAborted => ErrorCode.Cancelled,
        VirErrorNumber.ErrResourceBusy => ErrorCode.Locked,
        VirErrorNumber.ErrNoMemory => ErrorCode.Exhausted,
        VirErrorNumber.ErrAgentUnresponsive or VirErrorNumber.ErrNoConnect => ErrorCode.Unavailable,
        _ => ErrorCode.Unspecified,
    };

    /// <summary>A time-out inside of the server leaves open what became of the work; every other error is its no.</summary>
    public static RequestOutcome OutcomeOf(VirErrorNumber number) => number is VirErrorNumber.ErrOperationTimeout or VirErrorNumber.ErrAgentCommandTimeout or VirErrorNumber.ErrAgentUnresponsive
        ? RequestOutcome.Unknown : RequestOutcome.Rejected;
}
