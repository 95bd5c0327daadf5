namespace Hypervisor.Sdk;

/// <summary>A value that a change may set. The default value does not mention it; set to null means: cleared.</summary>
/// <typeparam name="T">What is set.</typeparam>
public readonly struct Change<T> : IEquatable<Change<T>>
{
    private readonly T _value;

    private Change(T value)
    {
        _value = value;
        IsSet = true;
    }

    /// <summary>Whether the change mentions it.</summary>
    public bool IsSet { get; }

    /// <summary>What it is set to.</summary>
    /// <exception cref="InvalidOperationException">The change does not mention it.</exception>
    public T Value => IsSet ? _value : throw new InvalidOperationException("The change does not mention this value: ask IsSet first.");

    /// <summary>Sets it.</summary>
    public static implicit operator Change<T>(T value) => new(value);

    /// <summary>Equality.</summary>
    public static bool operator ==(Change<T> left, Change<T> right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(Change<T> left, Change<T> right) => !left.Equals(right);

    /// <summary>Sets it; see the implicit conversion.</summary>
    public static Change<T> ToChange(T value) => new(value);

    /// <inheritdoc />
    public bool Equals(Change<T> other) => IsSet == other.IsSet && EqualityComparer<T>.Default.Equals(_value, other._value);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is Change<T> other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => IsSet ? HashCode.Combine(_value) : 0;
}
