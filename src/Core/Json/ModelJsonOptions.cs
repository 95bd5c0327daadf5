using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk;

/// <summary>What a <see cref="ModelJson"/> knows beside the model.</summary>
public sealed class ModelJsonOptions
{
    /// <summary>How deep JSON may be nested, 8 or more; what is deeper is refused. Default 32.</summary>
    public int MaxDepth { get; set; } = 32;

    /// <summary>Whether an extension that is not registered is left out of what is written, instead of being an error.</summary>
    internal bool LeavesOutUnregistered { get; set; }

    internal Dictionary<string, SpecExtensionForm> SpecExtensions { get; } = new(StringComparer.Ordinal);

    /// <summary>Registers the extension type of a driver. It is written in <c>"extensions"</c> under the driver's kind.</summary>
    /// <param name="kind">The kind: <c>proxmox</c>.</param>
    /// <param name="typeInfo">How it is written: from the driver's own <c>JsonSerializerContext</c>, whose names and converters are used; the model's converters are known too. Unknown fields within it are refused in requests.</param>
    /// <exception cref="ArgumentException">The kind or the type is registered already.</exception>
    public ModelJsonOptions AddSpecExtension<T>(string kind, JsonTypeInfo<T> typeInfo)
        where T : class, ISpecExtension
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentNullException.ThrowIfNull(typeInfo);
        if (SpecExtensions.Values.Any(form => form.Type == typeof(T)) || !SpecExtensions.TryAdd(kind, new SpecExtensionForm<T>(kind, typeInfo)))
            throw new ArgumentException($"An extension of the kind '{kind}' or of the type {typeof(T)} is registered already.", nameof(kind));
        return this;
    }

    internal bool Knows(ISpecExtension extension) => SpecExtensions.Values.Any(form => form.Type == extension.GetType());

    internal SpecExtensionForm FindSpecExtension(Type type) => SpecExtensions.Values.FirstOrDefault(form => form.Type == type)
        ?? throw new InvalidOperationException($"The extension type {type} has no JSON form: register it with {nameof(ModelJsonOptions)}.{nameof(AddSpecExtension)}.");

    internal ModelJsonOptions Copy()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDepth, 8);
        var copy = new ModelJsonOptions { MaxDepth = MaxDepth, LeavesOutUnregistered = LeavesOutUnregistered };
        foreach (var (kind, form) in SpecExtensions)
            copy.SpecExtensions.Add(kind, form);
        return copy;
    }
}
