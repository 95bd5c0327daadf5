namespace Hypervisor.Sdk;

/// <summary>What is called.</summary>
/// <param name="Name">The service and the call: <c>compute.start</c>.</param>
/// <param name="Instance">The instance that it is about, where it is about one.</param>
/// <param name="Request">What the caller says about it.</param>
/// <param name="Mutates">Whether it changes something, so that a lost answer leaves it unknown.</param>
/// <param name="IsLong">Whether its length depends on what is sent, so that the backend's own deadline is not meant for it.</param>
internal readonly record struct Call(string Name, InstanceId? Instance, RequestOptions? Request, bool Mutates, bool IsLong = false);
