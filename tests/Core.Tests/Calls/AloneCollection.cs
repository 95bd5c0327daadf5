namespace Hypervisor.Sdk.Tests.Calls;

/// <summary>Listeners are the process's: tests that listen, and tests that measure that nobody does, run alone.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
