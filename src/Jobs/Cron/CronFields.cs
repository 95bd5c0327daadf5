using System.Globalization;

namespace Hypervisor.Sdk.Jobs;

/// <summary>The fields of a cron expression as sets of bits.</summary>
internal static class CronFields
{
    private const int MaxChars = 256;

    public static readonly string[] Months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    public static readonly string[] WeekDays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    public static string[] Split(string text)
    {
        if (text.Length > MaxChars)
            throw new FormatException($"A cron expression has at most {MaxChars} characters; this one has {text.Length}.");
        string plain = text.Trim().ToUpperInvariant() switch
        {
            "@YEARLY" or "@ANNUALLY" => "0 0 1 1 *",
            "@MONTHLY" => "0 0 1 * *",
            "@WEEKLY" => "0 0 * * 0",
            "@DAILY" or "@MIDNIGHT" => "0 0 * * *",
            "@HOURLY" => "0 * * * *",
            var other => other,
        };
        string[] fields = plain.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return fields.Length is 5 or 6 ? fields : throw new FormatException($"A cron expression has five fields, or six with seconds, or is @yearly, @monthly, @weekly, @daily or @hourly; '{text}' has {fields.Length}.");
    }

    public static ulong Read(string field, string name, int min, int max, string[] names)
    {
        ulong set = 0;
        foreach (string part in field.Split(','))
        {
            string[] stepped = part.Split('/');
            int step = stepped.Length == 1 ? 1 : stepped.Length == 2 ? Number(stepped[1], []) : throw Wrong();
            string[] range = stepped[0].Split('-');
            int from = stepped[0] == "*" ? min : Number(range[0], names);
            // Sunday is 0 and 7: what goes to the end of the week by itself goes to Saturday.
            int last = name == "day of week" ? Math.Max(from, 6) : max;
            int to = stepped[0] == "*" ? last : range.Length == 2 ? Number(range[1], names) : range.Length > 2 ? throw Wrong() : stepped.Length == 2 ? last : from;
            if (step < 1 || from < min || to > max || from > to)
                throw Wrong();
            for (long value = from; value <= to; value += step)
                set |= 1UL << (int)value;
        }

        return set;

        int Number(string text, string[] words)
        {
            int word = Array.IndexOf(words, text);
            if (word >= 0)
                return word + (name == "month" ? 1 : 0);
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw Wrong();
        }

        FormatException Wrong() => new($"The field for the {name} is '{field}': it is *, or numbers from {min} to {max}{(names.Length > 0 ? $" or names like {names[0]}" : "")}, ranges upwards, lists, and steps of 1 or more.");
    }
}
