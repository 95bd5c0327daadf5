namespace Hypervisor.Sdk;

/// <summary>The extension that a driver registers with the application's JSON form.</summary>
internal sealed record SpecExtensionSource(Type Type, Action<ModelJsonOptions> AddTo);
