using System.Runtime.CompilerServices;
using System.Text;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>The interpolated string of <see cref="HttpTarget.From"/>: written by the compiler, not by hand.</summary>
[InterpolatedStringHandler]
public readonly ref struct HttpTargetText
{
    private readonly StringBuilder _text;

    /// <summary>Begins with room for the literal text and for values of usual length.</summary>
    public HttpTargetText(int literalLength, int formattedCount) => _text = new StringBuilder(literalLength + (formattedCount * 16));

    /// <summary>Adds text as it is.</summary>
    public void AppendLiteral(string value) => _text.Append(value);

    /// <summary>Adds a value, escaped (RFC 3986, all but unreserved characters); nothing for null.</summary>
    public void AppendFormatted(string? value) => _text.Append(Uri.EscapeDataString(value ?? ""));

    /// <summary>Adds a value by its invariant text, escaped; nothing for null.</summary>
    public void AppendFormatted<T>(T value) => AppendFormatted(value is IFormattable formattable ? formattable.ToString(null, System.Globalization.CultureInfo.InvariantCulture) : value?.ToString());

    internal string ToStringAndClear()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}
