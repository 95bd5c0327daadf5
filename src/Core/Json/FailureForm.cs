namespace Hypervisor.Sdk;

/// <summary>How a <see cref="HypervisorException"/> is written.</summary>
internal sealed class FailureForm
{
    public string? Type { get; set; }

    public required string Message { get; set; }

    public required ErrorCode Code { get; set; }

    public required RequestOutcome Outcome { get; set; }

    public BackendName? Backend { get; set; }

    public string? Resource { get; set; }

    public string? BackendCode { get; set; }

    public string? BackendMessage { get; set; }

    public Dictionary<string, string>? FieldErrors { get; set; }

    public TimeSpan? RetryAfter { get; set; }
}
