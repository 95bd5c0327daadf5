using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Simulation;

/// <summary>The first line in which two traces differ.</summary>
public sealed class TraceDifference
{
    /// <summary>The number of the line, the first one being 1.</summary>
    public required long Line { get; init; }

    /// <summary>The line of the one; null when it ends before.</summary>
    public required TraceLine? Expected { get; init; }

    /// <summary>The line of the other; null when it ends before.</summary>
    public required TraceLine? Actual { get; init; }

    /// <summary>The last lines that both have, the oldest first.</summary>
    public required IReadOnlyList<TraceLine> Before { get; init; }

    /// <summary>For people: the lines before, then both.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"The traces differ in line {Line}:");
        foreach (var line in Before)
            text.AppendLine(CultureInfo.InvariantCulture, $"    {line}");
        text.AppendLine(CultureInfo.InvariantCulture, $"  - {Expected?.ToString() ?? "(nothing: it ends here)"}");
        text.Append(CultureInfo.InvariantCulture, $"  + {Actual?.ToString() ?? "(nothing: it ends here)"}");
        return text.ToString();
    }
}
