namespace Hypervisor.Sdk;

/// <summary>Where bytes of a command come from.</summary>
public enum ExecChannel
{
    /// <summary>Its standard output, or its terminal.</summary>
    StandardOutput,

    /// <summary>Its standard error.</summary>
    StandardError,

    /// <summary>It has ended; nothing follows.</summary>
    End,
}
