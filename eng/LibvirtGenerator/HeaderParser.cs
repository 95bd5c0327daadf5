using System.Globalization;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Eng.LibvirtGenerator;

/// <summary>Reads what the protocol files take for granted out of the public headers: enums, and numbers that are defined.</summary>
internal sealed partial class HeaderParser
{
    private readonly Dictionary<string, long> _values = [];

    public Dictionary<string, long> Numbers { get; } = [];

    public List<EnumType> Enums { get; } = [];

    public void Parse(string text)
    {
        text = Regex.Replace(text, @"/\*.*?\*/", " ", RegexOptions.Singleline);
        foreach (Match define in Define().Matches(text))
            Numbers[define.Groups[1].Value] = define.Groups.Values.Skip(2).Where(part => part.Success).Sum(part => long.Parse(part.Value, CultureInfo.InvariantCulture));
        text = Regex.Replace(text, @"(?m)^\s*#(?:.*\\\n)*.*$", "");
        foreach (Match match in Enum().Matches(text))
            Enums.Add(new EnumType(match.Groups[2].Value, ParseMembers(match.Groups[1].Value)));
    }

    public long ValueOf(string name) => _values[name];

    private List<(string, long)> ParseMembers(string body)
    {
        var members = new List<(string, long)>();
        long next = 0;
        foreach (string part in body.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (sides.Length == 2)
                next = new Expression(sides[1], _values).Evaluate();
            _values[sides[0]] = next;
            if (!sides[0].EndsWith("_LAST", StringComparison.Ordinal) || sides[0].EndsWith("_ADD_LAST", StringComparison.Ordinal))
                members.Add((sides[0], next));
            next++;
        }

        return members;
    }

    [GeneratedRegex(@"(?m)^\s*#\s*define\s+(VIR_\w+)\s+\(?(\d+)(?: \+ (\d+))?\)?\s*$")]
    private static partial Regex Define();

    [GeneratedRegex(@"typedef\s+enum\s*\{([^}]*)\}\s*(\w+)\s*;")]
    private static partial Regex Enum();

    /// <summary>A constant expression of C: numbers, names, shift, or, minus, parentheses.</summary>
    private sealed class Expression(string text, IReadOnlyDictionary<string, long> names)
    {
        private readonly List<string> _tokens = Regex.Matches(text, @"\w+|<<|\||-|\(|\)").Select(match => match.Value).ToList();
        private int _next;

        public long Evaluate()
        {
            long value = Or();
            return _next == _tokens.Count ? value : throw new FormatException($"'{text}' has more than an expression.");
        }

        private long Or()
        {
            long value = Shift();
            while (Is("|"))
                value |= Shift();
            return value;
        }

        private long Shift()
        {
            long value = Primary();
            while (Is("<<"))
                value <<= (int)Primary();
            return value;
        }

        private long Primary()
        {
            if (Is("-"))
                return -Primary();
            if (Is("("))
            {
                long inner = Or();
                return Is(")") ? inner : throw new FormatException($"'{text}' misses a parenthesis.");
            }

            string token = _tokens[_next++];
            if (!char.IsDigit(token[0]))
                return names[token];
            token = token.TrimEnd('U', 'L', 'u', 'l');
            return token.StartsWith("0x", StringComparison.Ordinal) ? Convert.ToInt64(token, 16) : long.Parse(token, CultureInfo.InvariantCulture);
        }

        private bool Is(string token)
        {
            if (_next == _tokens.Count || _tokens[_next] != token)
                return false;
            _next++;
            return true;
        }
    }
}
