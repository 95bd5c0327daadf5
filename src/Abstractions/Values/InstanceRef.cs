using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Hypervisor.Sdk;

/// <summary>An instance across backends: which backend, and what that backend calls it.</summary>
/// <remarks>Written <c>local/web1</c>: the backend's name, a slash, the instance id (which may itself contain slashes).</remarks>
/// <param name="Backend">The backend.</param>
/// <param name="Id">The instance, as that backend addresses it.</param>
public readonly record struct InstanceRef(BackendName Backend, InstanceId Id) : ISpanParsable<InstanceRef>, ISpanFormattable, IUtf8SpanFormattable
{
    /// <summary>True when the backend or the instance is a default value.</summary>
    public bool IsDefault => Backend.IsDefault || Id.IsDefault;

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static InstanceRef Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Parse(s.AsSpan(), provider);
    }

    /// <summary>Parses a reference.</summary>
    /// <param name="s">For example <c>local/web1</c>.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="FormatException">The text is no reference; the message names the value and the rule.</exception>
    public static InstanceRef Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var reference) ? reference : throw new FormatException($"'{TextRules.Echo(s)}' is not a reference to an instance: a backend name, '/', an instance id.");

    /// <summary>Parses a reference and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out InstanceRef result) => TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out InstanceRef)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out InstanceRef result)
    {
        int slash = s.IndexOf('/');
        if (slash > 0 && BackendName.TryParse(s[..slash], provider, out var backend) && InstanceId.TryParse(s[(slash + 1)..], provider, out var id))
        {
            result = new(backend, id);
            return true;
        }

        result = default;
        return false;
    }

    /// <summary>The canonical text: <c>local/web1</c>; an empty text for the default value.</summary>
    public override string ToString() => IsDefault ? "" : $"{Backend}/{Id}";

    /// <inheritdoc />
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc />
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(ToString(), destination, out charsWritten);

    /// <inheritdoc />
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(ToString(), utf8Destination, out bytesWritten);
}
