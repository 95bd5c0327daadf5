namespace Hypervisor.Sdk;

/// <summary>Whether a clone stands alone.</summary>
public enum CloneMode
{
    /// <summary>Everything is copied.</summary>
    Full,

    /// <summary>What is unchanged is shared: quick and small, and the source must stay.</summary>
    Linked,
}
