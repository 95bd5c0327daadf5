using System.Globalization;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>Whole numbers of 64 bits, as in <c>$((1 + 2 * 3))</c>.</summary>
internal ref struct ShellArithmetic(ReadOnlySpan<char> text, Func<string, string?> variable)
{
    private const int MaxDepth = 64;

    private static readonly string[][] s_levels = [["||"], ["&&"], ["==", "!="], ["<=", ">=", "<", ">"], ["+", "-"], ["*", "/", "%"]];

    private readonly ReadOnlySpan<char> _text = text;
    private int _at;
    private int _depth;

    /// <exception cref="ShellSyntaxException">It is no expression, or divides by zero.</exception>
    public static long Evaluate(string text, Func<string, string?> variable)
    {
        var arithmetic = new ShellArithmetic(text, variable);
        long value = arithmetic.ReadLevel(0);
        arithmetic.Skip();
        return arithmetic._at == text.Length ? value : throw new ShellSyntaxException($"arithmetic syntax error: \"{text}\"");
    }

    private static long Apply(string operation, long left, long right) => operation switch
    {
        "||" => left != 0 || right != 0 ? 1 : 0,
        "&&" => left != 0 && right != 0 ? 1 : 0,
        "==" => left == right ? 1 : 0,
        "!=" => left != right ? 1 : 0,
        "<=" => left <= right ? 1 : 0,
        ">=" => left >= right ? 1 : 0,
        "<" => left < right ? 1 : 0,
        ">" => left > right ? 1 : 0,
        "+" => unchecked(left + right),
        "-" => unchecked(left - right),
        "*" => unchecked(left * right),
        _ when right == 0 => throw new ShellSyntaxException("divide by zero"),
        "/" => right == -1 ? unchecked(-left) : left / right,
        _ => right == -1 ? 0 : left % right,
    };

    private long ReadLevel(int level)
    {
        if (level == s_levels.Length)
            return ReadOperand();
        long value = ReadLevel(level + 1);
        while (TakeAny(s_levels[level]) is { } operation)
            value = Apply(operation, value, ReadLevel(level + 1));
        return value;
    }

    private long ReadOperand()
    {
        Skip();
        if (++_depth > MaxDepth)
            throw new ShellSyntaxException("arithmetic syntax error: nested too deeply");
        try
        {
            if (TakeAny("(") is not null)
            {
                long inner = ReadLevel(0);
                return TakeAny(")") is not null ? inner : throw new ShellSyntaxException("arithmetic syntax error: missing ')'");
            }

            if (TakeAny("-") is not null)
                return unchecked(-ReadOperand());
            if (TakeAny("!") is not null)
                return ReadOperand() == 0 ? 1 : 0;
            int begin = _at;
            while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] == '_'))
                _at++;
            string word = _text[begin.._at].ToString();
            string digits = word.Length > 0 && !char.IsAsciiDigit(word[0]) ? variable(word) is { Length: > 0 } value ? value : "0" : word;
            return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : throw new ShellSyntaxException($"arithmetic syntax error: \"{_text}\"");
        }
        finally
        {
            _depth--;
        }
    }

    private string? TakeAny(params ReadOnlySpan<string> operations)
    {
        Skip();
        foreach (string operation in operations)
        {
            if (_text[_at..].StartsWith(operation, StringComparison.Ordinal))
            {
                _at += operation.Length;
                return operation;
            }
        }

        return null;
    }

    private void Skip()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
            _at++;
    }
}
