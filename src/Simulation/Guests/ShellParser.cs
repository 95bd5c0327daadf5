using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>Reads the part of the POSIX shell language that simulated guests speak: lists, pipelines, redirections, quotes, expansions, if, for, while, until, groups. No functions, case, here documents, or jobs in the background.</summary>
internal sealed partial class ShellParser
{
    private const int MaxDepth = 64;

    private static readonly string[] s_reserved = ["then", "elif", "else", "fi", "do", "done", "}"];

    private readonly string _text;
    private int _at;
    private int _depth;

    private ShellParser(string text) => _text = text;

    private bool IsAtEnd => _at >= _text.Length;

    private char Current => _at < _text.Length ? _text[_at] : '\0';

    /// <exception cref="ShellSyntaxException">It is no script.</exception>
    public static ShellNode Parse(string text)
    {
        var parser = new ShellParser(text);
        var node = parser.ReadSequence();
        if (!parser.IsAtEnd)
            throw new ShellSyntaxException($"syntax error: unexpected \"{parser.Peek()}\"");
        return node;
    }

    private static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c == '_';

    private static bool IsName(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private ShellNode.Sequence ReadSequence(params string[] until)
    {
        if (++_depth > MaxDepth)
            throw new ShellSyntaxException("syntax error: nested too deeply");
        var items = new List<(ShellLink, ShellNode)>();
        var link = ShellLink.Always;
        while (true)
        {
            SkipBlank(newlines: true);
            if (IsAtEnd || Current == ')' || until.Contains(PeekWord(), StringComparer.Ordinal))
            {
                if (link != ShellLink.Always)
                    throw new ShellSyntaxException("syntax error: unexpected end of file", IsAtEnd);
                break;
            }

            items.Add((link, ReadPipeline()));
            SkipBlank(newlines: false);
            if (Take("&&"))
                link = ShellLink.And;
            else if (Take("||"))
                link = ShellLink.Or;
            else if (Current == '&')
                throw new ShellSyntaxException("syntax error: this simulated shell runs nothing in the background");
            else if (Take(";") || Take("\n"))
                link = ShellLink.Always;
            else if (IsAtEnd || Current == ')')
                link = ShellLink.Always;
            else
                throw new ShellSyntaxException($"syntax error: unexpected \"{Peek()}\"");
        }

        _depth--;
        return new ShellNode.Sequence(items);
    }

    private ShellNode ReadPipeline()
    {
        SkipBlank(newlines: false);
        bool isNegated = PeekWord() == "!";
        if (isNegated)
            _at++;
        var commands = new List<ShellNode> { ReadCommand() };
        SkipBlank(newlines: false);
        while (Current == '|' && Next() != '|')
        {
            _at++;
            SkipBlank(newlines: true);
            commands.Add(ReadCommand());
            SkipBlank(newlines: false);
        }

        return commands.Count == 1 && !isNegated ? commands[0] : new ShellNode.Pipeline(commands, isNegated);
    }

    private ShellNode ReadCommand()
    {
        SkipBlank(newlines: false);
        if (IsAtEnd)
            throw new ShellSyntaxException("syntax error: unexpected end of file", isIncomplete: true);
        if (Take("("))
        {
            var body = ReadSequence();
            Expect(")");
            return new ShellNode.Group(body, IsSubshell: true, ReadRedirections());
        }

        switch (PeekWord())
        {
            case "{":
                _at++;
                var group = ReadSequence("}");
                ExpectWord("}");
                return new ShellNode.Group(group, IsSubshell: false, ReadRedirections());
            case "if":
                return WithRedirections(ReadIf());
            case "while" or "until":
                bool isUntil = TakeWord() == "until";
                var condition = ReadSequence("do");
                return WithRedirections(new ShellNode.Loop(condition, ReadBody(), isUntil));
            case "for":
                return WithRedirections(ReadFor());
            case { } word when s_reserved.Contains(word, StringComparer.Ordinal):
                throw new ShellSyntaxException($"syntax error: unexpected \"{word}\"");
            default:
                return ReadSimple();
        }
    }

    private ShellNode WithRedirections(ShellNode node) => ReadRedirections() is { Count: > 0 } redirections ? new ShellNode.Group(node, IsSubshell: false, redirections) : node;

    private ShellNode.If ReadIf()
    {
        var branches = new List<(ShellNode, ShellNode)>();
        TakeWord();
        while (true)
        {
            var condition = ReadSequence("then");
            ExpectWord("then");
            branches.Add((condition, ReadSequence("elif", "else", "fi")));
            switch (TakeWord())
            {
                case "elif":
                    continue;
                case "else":
                    var otherwise = ReadSequence("fi");
                    ExpectWord("fi");
                    return new ShellNode.If(branches, otherwise);
                case "fi":
                    return new ShellNode.If(branches, null);
                default:
                    throw new ShellSyntaxException("syntax error: unexpected end of file (expecting \"fi\")", isIncomplete: true);
            }
        }
    }

    private ShellNode.For ReadFor()
    {
        TakeWord();
        string variable = TakeWord();
        if (variable.Length == 0 || !IsNameStart(variable[0]) || !variable.All(IsName))
            throw new ShellSyntaxException("syntax error: bad for loop variable", IsAtEnd);
        SkipBlank(newlines: true);
        List<ShellWord>? words = null;
        if (PeekWord() == "in")
        {
            TakeWord();
            words = [];
            while (TryReadWord() is { } word)
                words.Add(word);
        }

        SkipBlank(newlines: false);
        _ = Take(";");
        return new ShellNode.For(variable, words, ReadBody());
    }

    private ShellNode.Sequence ReadBody()
    {
        SkipBlank(newlines: true);
        ExpectWord("do");
        var body = ReadSequence("done");
        ExpectWord("done");
        return body;
    }

    private ShellNode.Simple ReadSimple()
    {
        var assignments = new List<(string, ShellWord)>();
        var words = new List<ShellWord>();
        var redirections = new List<ShellRedirection>();
        while (true)
        {
            SkipBlank(newlines: false);
            if (TryReadRedirection() is { } redirection)
                redirections.Add(redirection);
            else if (words.Count == 0 && TryReadAssignment() is { } assignment)
                assignments.Add(assignment);
            else if (TryReadWord() is { } word)
                words.Add(word);
            else
                break;
        }

        if (assignments.Count + words.Count + redirections.Count == 0)
            throw new ShellSyntaxException(IsAtEnd ? "syntax error: unexpected end of file" : $"syntax error: unexpected \"{Peek()}\"", IsAtEnd);
        return new ShellNode.Simple(assignments, words, redirections);
    }

    private List<ShellRedirection> ReadRedirections()
    {
        var redirections = new List<ShellRedirection>();
        while (true)
        {
            SkipBlank(newlines: false);
            if (TryReadRedirection() is not { } redirection)
                return redirections;
            redirections.Add(redirection);
        }
    }

    private ShellRedirection? TryReadRedirection()
    {
        int at = _at;
        int? descriptor = null;
        if (Current is >= '0' and <= '2' && Next() is '>' or '<' && char.IsAsciiDigit(Current))
        {
            descriptor = Current - '0';
            _at++;
        }

        ShellRedirectionKind kind;
        if (Take(">>"))
            kind = ShellRedirectionKind.Append;
        else if (Take(">&"))
            kind = ShellRedirectionKind.Duplicate;
        else if (Take(">"))
            kind = ShellRedirectionKind.Write;
        else if (Take("<<"))
            throw new ShellSyntaxException("syntax error: this simulated shell has no here documents");
        else if (Take("<"))
            kind = ShellRedirectionKind.Read;
        else
        {
            _at = at;
            return null;
        }

        SkipBlank(newlines: false);
        var target = TryReadWord() ?? throw new ShellSyntaxException("syntax error: a redirection without a target", IsAtEnd);
        return new ShellRedirection(descriptor ?? (kind == ShellRedirectionKind.Read ? 0 : 1), kind, target);
    }
}
