using System.Globalization;

namespace Hypervisor.Sdk.Benchmarks;

/// <summary>What the reports that measure by hand have in common.</summary>
internal static class Figures
{
    /// <summary>What follows an option on the command line; null when it is not there.</summary>
    public static string? Option(string[] args, string name) => Array.IndexOf(args, name) is >= 0 and var index && index + 1 < args.Length ? args[index + 1] : null;

    /// <summary>Refuses what is none of the options, each of which has a value: a report takes minutes, and one that was not to be kept is lost.</summary>
    /// <exception cref="ArgumentException">One is not known, or has no value.</exception>
    public static void Check(string command, string[] args, params ReadOnlySpan<string> options)
    {
        for (int i = 0; i < args.Length; i += 2)
        {
            if (!options.Contains(args[i]) || i + 1 == args.Length)
                throw new ArgumentException($"'{args[i]}' is not known here or has no value: {command} [{string.Join(" VALUE] [", options.ToArray())} VALUE]");
        }
    }

    /// <summary>Prints a report, and writes it to the file that <c>--report</c> names.</summary>
    public static async Task TellAsync(string[] args, string text)
    {
        Console.Write(text);
        if (Option(args, "--report") is { } file)
            await File.WriteAllTextAsync(file, text.ReplaceLineEndings("\n"));
    }

    public static double Median(IReadOnlyCollection<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>Two cells of a table: the median, and from which to which.</summary>
    public static string Cells(IReadOnlyCollection<double> values, string unit = "ms", string format = "0")
    {
        string Say(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return $"{Say(Median(values))} {unit} | {Say(values.Min())}-{Say(values.Max())} {unit}";
    }
}
