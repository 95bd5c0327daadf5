using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Why a call failed, in our words; the backend's own stand beside it. An open set; what a driver does not recognise is <see cref="Unspecified"/>, never guessed from a text.</summary>
/// <remarks>
/// Written 1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.
/// Printed as it was given and compared by ordinal. The default value is no error code: it prints as an empty text, and calls that change something refuse it.
/// </remarks>
public readonly record struct ErrorCode : ISpanParsable<ErrorCode>, IUtf8SpanParsable<ErrorCode>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly string? _value;

    private ErrorCode(string value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value is null;

    /// <summary>Parses an error code.</summary>
    /// <param name="s">The text: 1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="s"/> is null.</exception>
    /// <exception cref="FormatException">The text is not an error code; the message names the value and the rule.</exception>
    public static ErrorCode Parse(string s, IFormatProvider? provider = null) => new(TextRules.Word.Parse(s, "an error code"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static ErrorCode Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => new(TextRules.Word.Parse(s, "an error code"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static ErrorCode Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) => new(TextRules.Word.Parse(utf8Text, "an error code"));

    /// <summary>Parses an error code and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ErrorCode result)
    {
        bool valid = TextRules.Word.Accepts(s);
        result = valid ? new(s!) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out ErrorCode)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out ErrorCode result)
    {
        bool valid = TextRules.Word.Accepts(s);
        result = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out ErrorCode)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out ErrorCode result)
    {
        bool valid = TextRules.Word.TryDecode(utf8Text, out string? text);
        result = valid ? new(text!) : default;
        return valid;
    }

    /// <summary>The value as it was given; an empty text for the default value.</summary>
    public override string ToString() => _value ?? "";

    /// <inheritdoc />
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc />
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(_value, destination, out charsWritten);

    /// <inheritdoc />
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(_value, utf8Destination, out bytesWritten);

    /// <summary>The thing does not exist.</summary>
    public static ErrorCode NotFound { get; } = new("not-found");

    /// <summary>The name or id is taken.</summary>
    public static ErrorCode AlreadyExists { get; } = new("already-exists");

    /// <summary>It is not what the caller thought: the revision moved, the id was reused, the plan is stale.</summary>
    public static ErrorCode Conflict { get; } = new("conflict");

    /// <summary>Something else holds it right now.</summary>
    public static ErrorCode Locked { get; } = new("locked");

    /// <summary>Not possible in the state that it is in.</summary>
    public static ErrorCode InvalidState { get; } = new("invalid-state");

    /// <summary>A value is not acceptable; <see cref="HypervisorException.FieldErrors"/> names which.</summary>
    public static ErrorCode InvalidArgument { get; } = new("invalid-argument");

    /// <summary>The backend, or this version of it, cannot do it.</summary>
    public static ErrorCode Unsupported { get; } = new("unsupported");

    /// <summary>The credentials do not allow it.</summary>
    public static ErrorCode Denied { get; } = new("denied");

    /// <summary>The credentials are missing, wrong or expired.</summary>
    public static ErrorCode Unauthenticated { get; } = new("unauthenticated");

    /// <summary>Out of space, memory, ids or quota.</summary>
    public static ErrorCode Exhausted { get; } = new("exhausted");

    /// <summary>The backend or a part of it does not answer or cannot be reached.</summary>
    public static ErrorCode Unavailable { get; } = new("unavailable");

    /// <summary>The deadline passed.</summary>
    public static ErrorCode Timeout { get; } = new("timeout");

    /// <summary>Somebody cancelled the work.</summary>
    public static ErrorCode Cancelled { get; } = new("cancelled");

    /// <summary>What is stored cannot be right.</summary>
    public static ErrorCode Corrupted { get; } = new("corrupted");

    /// <summary>The peer broke the protocol.</summary>
    public static ErrorCode Protocol { get; } = new("protocol");

    /// <summary>Not recognised; see the backend's own code and message.</summary>
    public static ErrorCode Unspecified { get; } = new("unspecified");
}
