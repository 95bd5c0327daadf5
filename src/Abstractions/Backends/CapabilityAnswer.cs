namespace Hypervisor.Sdk;

/// <summary>The answer of <see cref="IBackend.QueryAsync"/>. The default value is a no without a known reason.</summary>
public readonly record struct CapabilityAnswer
{
    private readonly string? _reason;

    private CapabilityAnswer(CapabilitySupport support, string? reason)
    {
        Support = support;
        _reason = reason;
    }

    /// <summary>It can be done.</summary>
    public static CapabilityAnswer Yes { get; } = new(CapabilitySupport.Yes, null);

    /// <summary>No, yes, or on a condition.</summary>
    public CapabilitySupport Support { get; }

    /// <summary>Why not, or on which condition, for a person; null for a yes.</summary>
    public string? Reason => _reason ?? (Support == CapabilitySupport.Yes ? null : "The driver does not know this capability.");

    /// <summary>It cannot be done.</summary>
    /// <param name="reason">Why not.</param>
    public static CapabilityAnswer No(string reason)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        return new(CapabilitySupport.No, reason);
    }

    /// <summary>It can be done once a condition is met.</summary>
    /// <param name="condition">Which one.</param>
    public static CapabilityAnswer Conditional(string condition)
    {
        ArgumentException.ThrowIfNullOrEmpty(condition);
        return new(CapabilitySupport.Conditional, condition);
    }
}
