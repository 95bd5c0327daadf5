using System.IO.Pipelines;

namespace Hypervisor.Sdk.Hosts;

/// <summary>A program to run on a node. No shell is asked: arguments reach it as they are.</summary>
public sealed class HostCommand
{
    /// <summary>Makes a command of a program and its arguments.</summary>
    /// <param name="program">An absolute path, or a name that the node looks up in its PATH.</param>
    /// <param name="arguments">The arguments, the program's own name not among them. Others on the node may see them: never a secret.</param>
    public HostCommand(string program, params IReadOnlyList<string> arguments)
    {
        Program = program;
        Arguments = arguments;
    }

    /// <summary>The program.</summary>
    public string Program { get; }

    /// <summary>The arguments.</summary>
    public IReadOnlyList<string> Arguments { get; }

    /// <summary>Variables that are set for the program beside the node's own; names are letters, digits and '_'. Others on the node may see them: never a secret. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The directory in which it starts, an absolute path. Default: the node's own choice.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>What it reads from its standard input when it is run to its end; the way for secrets. Default: nothing.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>How much of each output is kept when it is run to its end, from the beginning; what comes after is dropped and <see cref="HostResult.IsTruncated"/> set. Default 1 MiB.</summary>
    public int MaxOutputBytes { get; init; } = 1 << 20;

    /// <summary>How long it may take when it is run to its end; then it is ended. Default 10 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Where what it writes to its standard error goes when it is started, completed at its end; the program waits for a reader who does not read. Default: null, only <see cref="HostProcess.ErrorText"/> keeps the end of it.</summary>
    public PipeWriter? StandardError { get; init; }

    /// <summary>The program, for messages.</summary>
    public override string ToString() => Program;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(Program);
        ArgumentNullException.ThrowIfNull(Arguments);
        if (Program.Contains('/') && !Program.StartsWith('/'))
            throw new ArgumentException($"'{Program}' is neither an absolute path nor a name.");
        if (Program[0] == '-' || (Program[0] != '/' && Program.Contains('=')))
            throw new ArgumentException($"'{Program}' is not the name of a program: it begins with '-' or holds a '='.");
        if (WorkingDirectory?.StartsWith('/') == false)
            throw new ArgumentException($"{nameof(WorkingDirectory)} is '{WorkingDirectory}'; it must be an absolute path.");
        foreach (string name in Environment.Keys)
        {
            if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                throw new ArgumentException($"'{name}' is not the name of a variable: letters, digits and '_', the first no digit.");
        }

        foreach (string text in (IEnumerable<string>)[Program, WorkingDirectory ?? "", .. Arguments, .. Environment.Values])
        {
            ArgumentNullException.ThrowIfNull(text);
            // The system would cut the text off at a NUL without a word, and the encoder would put a question mark for half a character.
            if (text.Contains('\0') || !IsWhole(text))
                throw new ArgumentException("A program, an argument, a variable or a directory contains NUL or half a surrogate pair.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(MaxOutputBytes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Timeout, TimeSpan.Zero);
    }

    private static bool IsWhole(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }

        return true;
    }
}
