using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk;

/// <summary>Something that is in no log, message, span, URL or process argument. Prints as <c>[secret]</c>.</summary>
public sealed class Secret : IEquatable<Secret>
{
    private readonly byte[] _value;

    /// <summary>Keeps a copy.</summary>
    public Secret(ReadOnlySpan<byte> value) => _value = value.ToArray();

    /// <summary>Keeps a text as UTF-8.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public static Secret FromText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>The bytes themselves. Whoever calls this is responsible for where they go.</summary>
    public ReadOnlySpan<byte> Reveal() => _value;

    /// <summary>The bytes as UTF-8 text. Whoever calls this is responsible for where it goes.</summary>
    public string RevealText() => Encoding.UTF8.GetString(_value);

    /// <summary>Always <c>[secret]</c>.</summary>
    public override string ToString() => "[secret]";

    /// <summary>Compares in a time that does not depend on where they differ.</summary>
    public bool Equals(Secret? other) => other is not null && CryptographicOperations.FixedTimeEquals(_value, other._value);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as Secret);

    /// <summary>The same for all secrets of one length: nothing of the value leaks into tables.</summary>
    public override int GetHashCode() => _value.Length;
}
