namespace Hypervisor.Sdk.Conformance;

/// <summary>One sentence of the contract, and a way to find out whether a driver keeps it.</summary>
public sealed class ConformanceCheck
{
    /// <summary>Its name for good: the family, a hyphen, a number: <c>LIFE-03</c>. Numbers are not reused.</summary>
    public required string Id { get; init; }

    /// <summary>The sentence of the contract.</summary>
    public required string Sentence { get; init; }

    /// <summary>What it needs; where one is missing the check is skipped. Default: nothing.</summary>
    public IReadOnlyList<CheckNeed> Needs { get; init; } = [];

    /// <summary>Whether every driver that has what the check needs must pass it. Default true; false for what a driver may leave out and say so.</summary>
    public bool IsMandatory { get; init; } = true;

    /// <summary>Whether it boots a guest or moves much data, and is left out of a short run. Default false.</summary>
    public bool IsLong { get; init; }

    /// <summary>How long it may take, before the target's patience. After that the driver counts as hanging, and the next check goes on with a new client. Default 60 seconds.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Finds out. Throws what <see cref="CheckContext"/> throws where the driver does not keep the sentence.</summary>
    public required Func<CheckContext, Task> Body { get; init; }

    /// <summary>The part of <see cref="Id"/> before the hyphen.</summary>
    public string Family => Id[..Id.IndexOf('-', StringComparison.Ordinal)];

    /// <summary>The id and the sentence.</summary>
    public override string ToString() => $"{Id} {Sentence}";
}
