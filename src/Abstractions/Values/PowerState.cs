using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Whether an instance runs. An open set: a backend may report further words.</summary>
/// <remarks>
/// Written 1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.
/// Printed as it was given and compared by ordinal. The default value is no power state: it prints as an empty text, and calls that change something refuse it.
/// </remarks>
public readonly record struct PowerState : ISpanParsable<PowerState>, IUtf8SpanParsable<PowerState>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly string? _value;

    private PowerState(string value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value is null;

    /// <summary>Parses a power state.</summary>
    /// <param name="s">The text: 1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="s"/> is null.</exception>
    /// <exception cref="FormatException">The text is not a power state; the message names the value and the rule.</exception>
    public static PowerState Parse(string s, IFormatProvider? provider = null) => new(TextRules.Word.Parse(s, "a power state"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static PowerState Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => new(TextRules.Word.Parse(s, "a power state"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static PowerState Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) => new(TextRules.Word.Parse(utf8Text, "a power state"));

    /// <summary>Parses a power state and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out PowerState result)
    {
        bool valid = TextRules.Word.Accepts(s);
        result = valid ? new(s!) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out PowerState)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out PowerState result)
    {
        bool valid = TextRules.Word.Accepts(s);
        result = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out PowerState)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out PowerState result)
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

    /// <summary>The guest's processors run.</summary>
    public static PowerState Running { get; } = new("running");

    /// <summary>Switched off; starting boots it.</summary>
    public static PowerState Stopped { get; } = new("stopped");

    /// <summary>On its way to running.</summary>
    public static PowerState Starting { get; } = new("starting");

    /// <summary>On its way to stopped.</summary>
    public static PowerState Stopping { get; } = new("stopping");

    /// <summary>Held in memory; nothing runs until it is resumed.</summary>
    public static PowerState Paused { get; } = new("paused");

    /// <summary>Saved to disk; starting goes on where it was.</summary>
    public static PowerState Suspended { get; } = new("suspended");

    /// <summary>Ended without being asked to; the reason is in <see cref="Instance.StateReason"/>.</summary>
    public static PowerState Crashed { get; } = new("crashed");

    /// <summary>The backend cannot say now.</summary>
    public static PowerState Unknown { get; } = new("unknown");
}
