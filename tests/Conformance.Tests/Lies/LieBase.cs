namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>The honest driver beneath a lie: the quickest that passes the check.</summary>
public enum LieBase
{
    /// <summary>Child processes.</summary>
    Toy,

    /// <summary>Child processes, with the features that no driver here has yet, in memory.</summary>
    Featured,

    /// <summary>Directories.</summary>
    Directory,

    /// <summary>A data centre in memory.</summary>
    Simulation,

    /// <summary>A data centre in memory that is asked for containers.</summary>
    Containers,

    /// <summary>The real QEMU.</summary>
    Qemu,
}
