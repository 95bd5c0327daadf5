using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Simulation;

/// <summary>Something that happened in a simulation: a line of its trace.</summary>
/// <remarks>Written as the seconds since the beginning with seven decimals, the kind, the subject (<c>-</c> for none) and the details, separated by single spaces: <c>12.5000000 state vm-3 stopped>running</c>.
/// Control characters, backslashes, and spaces within kind and subject are written as <c>\uXXXX</c>.</remarks>
public readonly record struct TraceLine
{
    /// <summary>The time since the beginning.</summary>
    public required TimeSpan At { get; init; }

    /// <summary>What kind of thing: <c>call</c>, <c>session</c>, <c>state</c>, <c>fault</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What it happened to; empty for nothing in particular.</summary>
    public required string Subject { get; init; }

    /// <summary>The rest, in the words of the kind.</summary>
    public required string Details { get; init; }

    /// <summary>Parses a line.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TraceLine Parse(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        string[] parts = line.Split(' ', 4);
        if (parts.Length < 3 || parts[1].Length == 0 || parts[2].Length == 0 || !decimal.TryParse(parts[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds) || seconds > 900_000_000_000m)
            throw new FormatException($"'{line[..Math.Min(line.Length, 100)]}' is not a line of a trace: seconds, a kind, a subject, details.");
        return new TraceLine
        {
            At = new TimeSpan((long)(seconds * TimeSpan.TicksPerSecond)),
            Kind = Unescape(parts[1]),
            Subject = parts[2] == "-" ? "" : Unescape(parts[2]),
            Details = parts.Length == 4 ? Unescape(parts[3]) : "",
        };
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(64);
        AppendTo(text);
        return text.ToString();
    }

    internal void AppendTo(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"{At.Ticks / TimeSpan.TicksPerSecond}.{At.Ticks % TimeSpan.TicksPerSecond:0000000} ");
        Escape(text, Kind, spaces: true);
        text.Append(' ');
        if (Subject.Length == 0)
            text.Append('-');
        else
            Escape(text, Subject, spaces: true);
        if (Details.Length == 0)
            return;
        text.Append(' ');
        Escape(text, Details, spaces: false);
    }

    private static void Escape(StringBuilder text, string value, bool spaces)
    {
        foreach (char c in value)
        {
            if (c == '\\' || char.IsControl(c) || (spaces && c == ' ') || c is '\u2028' or '\u2029' || char.IsSurrogate(c))
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                text.Append(c);
        }
    }

    private static string Unescape(string value)
    {
        if (!value.Contains('\\', StringComparison.Ordinal))
            return value;
        var text = new StringBuilder(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] != '\\')
            {
                text.Append(value[i]);
                continue;
            }

            if (i + 5 >= value.Length || value[i + 1] != 'u' || !ushort.TryParse(value.AsSpan(i + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code))
                throw new FormatException($"'{value[..Math.Min(value.Length, 100)]}' has a backslash that begins no \\uXXXX.");
            text.Append((char)code);
            i += 5;
        }

        return text.ToString();
    }
}
