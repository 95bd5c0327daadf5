using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>A signal by its name, as POSIX writes it.</summary>
/// <remarks>
/// Written SIG and 1 to 16 of A-Z, 0-9, + and -. The guest decides which ones there are.
/// Printed as it was given and compared by ordinal. The default value is no signal name: it prints as an empty text, and calls that change something refuse it.
/// </remarks>
public readonly record struct SignalName : ISpanParsable<SignalName>, IUtf8SpanParsable<SignalName>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly string? _value;

    private SignalName(string value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value is null;

    /// <summary>Parses a signal name.</summary>
    /// <param name="s">The text: SIG and 1 to 16 of A-Z, 0-9, + and -.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="s"/> is null.</exception>
    /// <exception cref="FormatException">The text is not a signal name; the message names the value and the rule.</exception>
    public static SignalName Parse(string s, IFormatProvider? provider = null) => new(TextRules.Signal.Parse(s, "a signal name"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static SignalName Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => new(TextRules.Signal.Parse(s, "a signal name"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static SignalName Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) => new(TextRules.Signal.Parse(utf8Text, "a signal name"));

    /// <summary>Parses a signal name and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out SignalName result)
    {
        bool valid = TextRules.Signal.Accepts(s);
        result = valid ? new(s!) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out SignalName)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out SignalName result)
    {
        bool valid = TextRules.Signal.Accepts(s);
        result = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out SignalName)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out SignalName result)
    {
        bool valid = TextRules.Signal.TryDecode(utf8Text, out string? text);
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

    /// <summary>The terminal is gone; often: read the configuration again.</summary>
    public static SignalName Hangup { get; } = new("SIGHUP");

    /// <summary>Interrupted from the keyboard.</summary>
    public static SignalName Interrupt { get; } = new("SIGINT");

    /// <summary>Quit, with a core dump.</summary>
    public static SignalName Quit { get; } = new("SIGQUIT");

    /// <summary>Ends at once; cannot be caught.</summary>
    public static SignalName Kill { get; } = new("SIGKILL");

    /// <summary>Asked to end.</summary>
    public static SignalName Terminate { get; } = new("SIGTERM");

    /// <summary>The terminal has another size.</summary>
    public static SignalName WindowChange { get; } = new("SIGWINCH");
}
