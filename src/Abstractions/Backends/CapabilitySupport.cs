namespace Hypervisor.Sdk;

/// <summary>Whether something can be done.</summary>
public enum CapabilitySupport
{
    /// <summary>It cannot; the reason says why.</summary>
    No,

    /// <summary>It can.</summary>
    Yes,

    /// <summary>It can once the condition that the reason names is met; then it must.</summary>
    Conditional,
}
