namespace Hypervisor.Sdk;

/// <summary>The connection to the backend is gone, or could not be made. The driver connects again by itself; this call is not repeated unless nothing of it was sent.</summary>
/// <inheritdoc cref="HypervisorException(string, ErrorCode, RequestOutcome, Exception?)"/>
public sealed class BackendConnectionException(string message, ErrorCode code, RequestOutcome outcome, Exception? innerException = null) : HypervisorException(message, code, outcome, innerException);
