namespace Hypervisor.Sdk;

/// <summary>The peer broke the protocol: what it sent cannot be trusted, and the connection is closed.</summary>
/// <inheritdoc cref="HypervisorException(string, ErrorCode, RequestOutcome, Exception?)"/>
public sealed class BackendProtocolException(string message, ErrorCode code, RequestOutcome outcome, Exception? innerException = null) : HypervisorException(message, code, outcome, innerException);
