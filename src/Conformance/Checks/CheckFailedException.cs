namespace Hypervisor.Sdk.Conformance;

/// <summary>A driver does not keep the sentence that a check tests.</summary>
/// <param name="message">What was expected, what was found instead, of what.</param>
/// <param name="innerException">What the driver threw, where it threw.</param>
public sealed class CheckFailedException(string message, Exception? innerException = null) : Exception(message, innerException);
