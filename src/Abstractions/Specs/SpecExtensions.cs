using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>The driver's own settings on a spec, one object a type: <c>spec.Extensions.Set(new QemuMachine { ... })</c>.</summary>
public sealed class SpecExtensions
{
    private readonly Dictionary<Type, ISpecExtension> _items = [];

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<ISpecExtension> All => _items.Values;

    /// <summary>Sets the extension of a type, in place of the one before.</summary>
    public void Set<T>(T extension)
        where T : class, ISpecExtension
    {
        ArgumentNullException.ThrowIfNull(extension);
        _items[typeof(T)] = extension;
    }

    /// <summary>Gets the extension of a type.</summary>
    public bool TryGet<T>([NotNullWhen(true)] out T? extension)
        where T : class, ISpecExtension
    {
        extension = _items.GetValueOrDefault(typeof(T)) as T;
        return extension is not null;
    }
}
