namespace Hypervisor.Sdk.Conformance;

/// <summary>How to run the checks.</summary>
public sealed class ConformanceOptions
{
    /// <summary>Which checks, by the beginnings of their ids: <c>LIFE</c>, <c>REQ-03</c>. Default: all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Whether checks that boot guests or move much data are run. Default false.</summary>
    public bool IncludeLong { get; init; }

    /// <summary>Which generated sequences the model checks run; the same seed generates the same. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How many sequences are generated. Default 8.</summary>
    public int Sequences { get; init; } = 8;

    /// <summary>How many steps a sequence has. Default 12.</summary>
    public int SequenceSteps { get; init; } = 12;

    /// <summary>One sequence, in the form in which a failure prints it, instead of generated ones. Default: none.</summary>
    public string? Sequence { get; init; }
}
