namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>What a script consists of.</summary>
internal abstract record ShellNode
{
    /// <summary>Commands one after another; each runs depending on how the one before ended.</summary>
    internal sealed record Sequence(IReadOnlyList<(ShellLink Link, ShellNode Node)> Items) : ShellNode;

    /// <summary>Commands of which each reads what the one before writes.</summary>
    internal sealed record Pipeline(IReadOnlyList<ShellNode> Commands, bool IsNegated) : ShellNode;

    /// <summary>A program or a builtin, with what is set for it alone.</summary>
    internal sealed record Simple(IReadOnlyList<(string Name, ShellWord Value)> Assignments, IReadOnlyList<ShellWord> Words, IReadOnlyList<ShellRedirection> Redirections) : ShellNode;

    internal sealed record If(IReadOnlyList<(ShellNode Condition, ShellNode Body)> Branches, ShellNode? Otherwise) : ShellNode;

    internal sealed record Loop(ShellNode Condition, ShellNode Body, bool IsUntil) : ShellNode;

    internal sealed record For(string Variable, IReadOnlyList<ShellWord>? Words, ShellNode Body) : ShellNode;

    internal sealed record Group(ShellNode Body, bool IsSubshell, IReadOnlyList<ShellRedirection> Redirections) : ShellNode;
}

/// <summary>When a command of a sequence runs.</summary>
internal enum ShellLink
{
    Always,
    And,
    Or,
}

/// <summary>A word before it is expanded.</summary>
internal sealed record ShellWord(IReadOnlyList<ShellPart> Parts);

/// <summary>A piece of a word.</summary>
internal sealed record ShellPart(ShellPartKind Kind, string Text, bool IsQuoted);

/// <summary>What a piece of a word stands for.</summary>
internal enum ShellPartKind
{
    Text,

    /// <summary>A parameter: <c>NAME</c>, <c>NAME:-word</c>, <c>#NAME</c>.</summary>
    Parameter,

    /// <summary>What a script prints.</summary>
    Command,

    Arithmetic,
}

/// <summary>Where an output goes or the input comes from.</summary>
/// <param name="Descriptor">0, 1 or 2.</param>
/// <param name="Kind">How.</param>
/// <param name="Target">A path, or a descriptor's number.</param>
internal sealed record ShellRedirection(int Descriptor, ShellRedirectionKind Kind, ShellWord Target);

/// <summary>How something is redirected.</summary>
internal enum ShellRedirectionKind
{
    Read,
    Write,
    Append,
    Duplicate,
}

/// <summary>A script that cannot be read. One that only lacks its end may be continued by what is typed next.</summary>
internal sealed class ShellSyntaxException(string message, bool isIncomplete = false) : Exception(message)
{
    public bool IsIncomplete { get; } = isIncomplete;
}
