using System.Globalization;

namespace Hypervisor.Sdk.Lxd;

/// <summary>The server answered a call with an error, or an operation of it failed. Its own words are in <see cref="HypervisorException.BackendMessage"/>, its number in <see cref="Status"/>.</summary>
public sealed class LxdException : HypervisorException
{
    internal LxdException(string what, int status, string? words, RequestOutcome outcome)
        : this(what, status, words, LxdErrors.CodeOf(status, words), outcome)
    {
    }

    internal LxdException(string what, int status, string? words, ErrorCode code, RequestOutcome outcome)
        : base($"{what} failed: {words ?? $"status {status}"}", code, outcome)
    {
        Status = status;
        BackendCode = status.ToString(CultureInfo.InvariantCulture);
        BackendMessage = words;
    }

    /// <summary>The HTTP status of the answer, or the code of the failed operation.</summary>
    public int Status { get; }
}
