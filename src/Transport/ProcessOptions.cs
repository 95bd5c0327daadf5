namespace Hypervisor.Sdk.Transport;

/// <summary>Which program a <see cref="ProcessConnection"/> runs, and how. No shell is involved: arguments reach the program as they are.</summary>
public sealed class ProcessOptions
{
    /// <summary>The program: a path, or a name that is looked up in the directories of PATH, and nowhere else.</summary>
    public required string Program { get; init; }

    /// <summary>The arguments, one item each, the program's own name not among them.</summary>
    public IList<string> Arguments { get; init; } = [];

    /// <summary>The directory in which the program starts, or null for this process's own. Default: null.</summary>
    public string? WorkingDirectory { get; set; }

    /// <summary>Variables that are set for the program, or removed where the value is null, on top of this process's own.</summary>
    public IDictionary<string, string?> Environment { get; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>The program gets only <see cref="Environment"/> and nothing of this process's own. Default: false.</summary>
    public bool ClearEnvironment { get; set; }

    /// <summary>How many bytes of the end of the program's standard error are kept. Default: 16 KiB.</summary>
    public int ErrorTailBytes { get; set; } = 16 * 1024;

    /// <summary>
    /// Is handed what the program writes to standard error, as it comes, and an empty memory at its end. The memory is lent until the returned task completes, and the program waits meanwhile. Must not throw. Default: null,
    /// nobody is.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, ValueTask>? ErrorSink { get; set; }

    /// <summary>An exit code other than 0 is a failure: the end of the input throws it, with what the program wrote to standard error. Default: true.</summary>
    public bool NonZeroExitFails { get; set; } = true;

    /// <summary>How long the program may take to exit by itself after the connection was closed, and with it the program's standard input; then it is killed. Default: 5 seconds.</summary>
    public TimeSpan ExitGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The size of one buffer: 1 KiB to 1 MiB. Default: 16 KiB.</summary>
    public int SegmentBytes { get; set; } = 16 * 1024;

    /// <summary>The clock of the grace. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(Program);
        ArgumentOutOfRangeException.ThrowIfNegative(ErrorTailBytes);
        if (ExitGrace < TimeSpan.Zero)
            throw new ArgumentException($"{nameof(ExitGrace)} is {ExitGrace}; it must not be negative.");
        new ConnectionOptions { SegmentBytes = SegmentBytes }.Validate();
        // The system would cut the text off there without a word.
        if (Program.Contains('\0') || Arguments.Any(argument => argument.Contains('\0')) || Environment.Any(pair => pair.Key.Contains('\0') || pair.Value?.Contains('\0') == true))
            throw new ArgumentException("A program, an argument or a variable contains a NUL character.");
    }
}
