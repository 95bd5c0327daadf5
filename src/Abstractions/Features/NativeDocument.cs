namespace Hypervisor.Sdk;

/// <summary>Something in a backend's own form.</summary>
/// <param name="MediaType">The form: <c>application/json</c>, <c>application/xml</c>, <c>image/png</c>.</param>
/// <param name="Content">The bytes.</param>
public readonly record struct NativeDocument(string MediaType, ReadOnlyMemory<byte> Content);
