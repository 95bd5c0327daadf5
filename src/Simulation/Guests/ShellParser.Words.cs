using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

internal sealed partial class ShellParser
{
    private const string Operators = " \t\n;&|<>()";

    /// <summary>A word, or null where none begins.</summary>
    private ShellWord? TryReadWord()
    {
        SkipBlank(newlines: false);
        if (IsAtEnd || Operators.Contains(Current))
            return null;
        var parts = new List<ShellPart>();
        var text = new StringBuilder();
        void EndText(bool isQuoted)
        {
            if (text.Length > 0 || isQuoted)
                parts.Add(new ShellPart(ShellPartKind.Text, text.ToString(), isQuoted));
            text.Clear();
        }

        while (!IsAtEnd && !Operators.Contains(Current))
        {
            switch (Current)
            {
                case '\'':
                    EndText(false);
                    int end = _text.IndexOf('\'', _at + 1);
                    if (end < 0)
                        throw new ShellSyntaxException("syntax error: unterminated quoted string", isIncomplete: true);
                    text.Append(_text, _at + 1, end - _at - 1);
                    EndText(true);
                    _at = end + 1;
                    break;
                case '"':
                    EndText(false);
                    _at++;
                    ReadDoubleQuoted(parts, text);
                    break;
                case '\\':
                    EndText(false);
                    _at++;
                    if (IsAtEnd)
                        throw new ShellSyntaxException("syntax error: unexpected end of file", isIncomplete: true);
                    if (Current != '\n')
                        parts.Add(new ShellPart(ShellPartKind.Text, Current.ToString(), true));
                    _at++;
                    break;
                case '$' or '`':
                    EndText(false);
                    parts.Add(ReadExpansion(isQuoted: false));
                    break;
                default:
                    text.Append(Current);
                    _at++;
                    break;
            }
        }

        EndText(false);
        return new ShellWord(parts);
    }

    private void ReadDoubleQuoted(List<ShellPart> parts, StringBuilder text)
    {
        while (true)
        {
            if (IsAtEnd)
                throw new ShellSyntaxException("syntax error: unterminated quoted string", isIncomplete: true);
            switch (Current)
            {
                case '"':
                    parts.Add(new ShellPart(ShellPartKind.Text, text.ToString(), true));
                    text.Clear();
                    _at++;
                    return;
                case '\\' when Next() is '"' or '\\' or '$' or '`' or '\n':
                    if (Next() != '\n')
                        text.Append(Next());
                    _at += 2;
                    break;
                case '$' or '`':
                    parts.Add(new ShellPart(ShellPartKind.Text, text.ToString(), true));
                    text.Clear();
                    parts.Add(ReadExpansion(isQuoted: true));
                    break;
                default:
                    text.Append(Current);
                    _at++;
                    break;
            }
        }
    }

    private ShellPart ReadExpansion(bool isQuoted)
    {
        if (Take("`"))
        {
            int end = _text.IndexOf('`', _at);
            if (end < 0)
                throw new ShellSyntaxException("syntax error: EOF in backquote substitution", isIncomplete: true);
            string script = _text[_at..end];
            _at = end + 1;
            return new ShellPart(ShellPartKind.Command, script, isQuoted);
        }

        if (Take("$(("))
            return new ShellPart(ShellPartKind.Arithmetic, ReadBalanced("))"), isQuoted);
        if (Take("$("))
            return new ShellPart(ShellPartKind.Command, ReadBalanced(")"), isQuoted);
        if (Take("${"))
        {
            int end = _text.IndexOf('}', _at);
            if (end < 0)
                throw new ShellSyntaxException("syntax error: missing '}'", isIncomplete: true);
            string parameter = _text[_at..end];
            _at = end + 1;
            return new ShellPart(ShellPartKind.Parameter, parameter, isQuoted);
        }

        _at++;
        if (Current is '?' or '$' or '#' or '@' or '*' or '!' || char.IsAsciiDigit(Current))
            return new ShellPart(ShellPartKind.Parameter, _text[_at++].ToString(), isQuoted);
        if (!IsNameStart(Current))
            return new ShellPart(ShellPartKind.Text, "$", isQuoted);
        int begin = _at;
        while (IsName(Current))
            _at++;
        return new ShellPart(ShellPartKind.Parameter, _text[begin.._at], isQuoted);
    }

    /// <summary>The text up to the closing bracket that belongs to what has been opened; quotes are passed over.</summary>
    private string ReadBalanced(string close)
    {
        int begin = _at;
        for (int depth = 0; !IsAtEnd; _at++)
        {
            switch (Current)
            {
                case '\'':
                    _at = _text.IndexOf('\'', _at + 1) is var end && end < 0 ? _text.Length : end;
                    break;
                case '\\':
                    _at++;
                    break;
                case '(':
                    depth++;
                    break;
                case ')' when depth > 0:
                    depth--;
                    break;
                case ')' when string.CompareOrdinal(_text, _at, close, 0, close.Length) == 0:
                    string body = _text[begin.._at];
                    _at += close.Length;
                    return body;
            }
        }

        throw new ShellSyntaxException("syntax error: missing ')'", isIncomplete: true);
    }

    private (string Name, ShellWord Value)? TryReadAssignment()
    {
        int at = _at;
        if (IsNameStart(Current))
        {
            while (IsName(Current))
                _at++;
            if (Current == '=')
            {
                string name = _text[at.._at++];
                return (name, IsAtEnd || Operators.Contains(Current) ? new ShellWord([]) : TryReadWord()!);
            }
        }

        _at = at;
        return null;
    }

    private void SkipBlank(bool newlines)
    {
        while (!IsAtEnd)
        {
            if (Current is ' ' or '\t' or '\r' || (newlines && Current == '\n'))
                _at++;
            else if (Current == '\\' && Next() == '\n')
                _at += 2;
            else if (Current == '#' && (_at == 0 || Operators.Contains(_text[_at - 1])))
                _at = _text.IndexOf('\n', _at) is var end && end < 0 ? _text.Length : end;
            else
                break;
        }
    }

    private char Next() => _at + 1 < _text.Length ? _text[_at + 1] : '\0';

    private bool Take(string token)
    {
        if (string.CompareOrdinal(_text, _at, token, 0, token.Length) != 0)
            return false;
        _at += token.Length;
        return true;
    }

    private void Expect(string token)
    {
        SkipBlank(newlines: true);
        if (!Take(token))
            throw new ShellSyntaxException(IsAtEnd ? $"syntax error: unexpected end of file (expecting \"{token}\")" : $"syntax error: unexpected \"{Peek()}\"", IsAtEnd);
    }

    private void ExpectWord(string word)
    {
        SkipBlank(newlines: true);
        if (TakeWord() != word)
            throw new ShellSyntaxException($"syntax error: expecting \"{word}\"", IsAtEnd);
    }

    /// <summary>What stands here up to the next blank or operator, unquoted: for the words of the language itself.</summary>
    private string PeekWord()
    {
        SkipBlank(newlines: false);
        int end = _at;
        while (end < _text.Length && !Operators.Contains(_text[end]))
            end++;
        return _text[_at..end];
    }

    private string TakeWord()
    {
        string word = PeekWord();
        _at += word.Length;
        return word;
    }

    private string Peek() => IsAtEnd ? "end of file" : PeekWord() is { Length: > 0 } word ? word : Current.ToString();
}
