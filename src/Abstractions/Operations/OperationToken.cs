using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hypervisor.Sdk;

/// <summary>Names an operation that a backend keeps, so that another process can go on waiting for it; see <see cref="IOperations"/>.</summary>
/// <remarks>Written <c>v1/local/…</c>: the version of the form, the backend's name, the backend's own part. Holds no secret; may be stored.</remarks>
/// <param name="Version">The version of <paramref name="Value"/>'s form, chosen by the driver.</param>
/// <param name="Backend">The backend that keeps the operation.</param>
/// <param name="Value">The driver's own text: 1 to 512 characters, no control characters.</param>
public readonly record struct OperationToken(int Version, BackendName Backend, string Value) : ISpanParsable<OperationToken>
{
    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => Value is null;

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static OperationToken Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Parse(s.AsSpan(), provider);
    }

    /// <summary>Parses a token.</summary>
    /// <param name="s">What <see cref="ToString"/> printed.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="FormatException">The text is no token; the message names the value.</exception>
    public static OperationToken Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var token) ? token : throw new FormatException($"'{TextRules.Echo(s)}' is not an operation token: 'v', a version, '/', a backend name, '/', the backend's own part.");

    /// <summary>Parses a token and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out OperationToken result) => TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out OperationToken)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out OperationToken result)
    {
        result = default;
        int first = s.IndexOf('/');
        int second = first < 0 ? -1 : s[(first + 1)..].IndexOf('/') + first + 1;
        if (first < 2 || second <= first || s[0] != 'v' || !int.TryParse(s[1..first], NumberStyles.None, CultureInfo.InvariantCulture, out int version) || version < 1
            || !BackendName.TryParse(s[(first + 1)..second], provider, out var backend) || !TextRules.Opaque.Accepts(s[(second + 1)..]))
        {
            return false;
        }

        result = new(version, backend, s[(second + 1)..].ToString());
        return true;
    }

    /// <summary>The text that <see cref="Parse(string, IFormatProvider?)"/> reads; empty for the default value.</summary>
    public override string ToString() => IsDefault ? "" : string.Create(CultureInfo.InvariantCulture, $"v{Version}/{Backend}/{Value}");
}
