namespace Hypervisor.Sdk.Lxd;

/// <summary>How much of one thing a project has.</summary>
/// <param name="Used">What it has.</param>
/// <param name="Limit">What it may have; null for whatever there is.</param>
public readonly record struct LxdProjectUse(long Used, long? Limit);
