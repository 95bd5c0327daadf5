namespace Hypervisor.Sdk.Conformance.LifeCycle;

/// <summary>What comes of one operation, state by state.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Cells">What comes of it, in the order of <see cref="LifeCycleTable.States"/>.</param>
internal sealed record LifeCycleRow(LifeCycleOperation Operation, string Name, IReadOnlyList<string> Cells);
