namespace Hypervisor.Sdk;

/// <summary>Every instance that was there has been observed; what follows are changes.</summary>
public sealed class Synchronized : BackendEvent;
