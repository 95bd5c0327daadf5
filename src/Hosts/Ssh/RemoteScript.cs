using System.Text;

namespace Hypervisor.Sdk.Hosts;

/// <summary>
/// What is said to the shell at the other end: sshd hands the one text that it gets to the user's shell (sshd(8)), so that every argument is quoted here as POSIX's shell reads it (XCU 2.2.2), and the scripts around are constant.
/// </summary>
internal static class RemoteScript
{
    /// <summary>Linux hands no longer text to a program (MAX_ARG_STRLEN of 32 pages, its NUL included), neither to ssh here nor to the shell there.</summary>
    public const int MaxBytes = (128 << 10) - 1;

    /// <summary>What shells differ in, quoted; the shell must print it as it is.</summary>
    private const string Probe = "a'b''\"c\\d\\\\$HOME $(e)`f` !g\n~*?[h]{i,j}&;|<>#%s\t";

    /// <summary>What <see cref="Begin"/> prints before the loop, each with a NUL behind.</summary>
    public const int GreetingFields = 11;

    /// <summary>In single quotes, and a single quote between such: nothing in them means anything to a shell.</summary>
    public static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>The script of the master's own session: it says what the host is, then ends process groups on demand and answers every line, until its input ends.</summary>
    public static string Begin(string nonce) =>
        $"""
        printf '%s\000' {nonce} {Quote(Probe)} "$(uname -s)" "$(uname -r)" "$(uname -m)" "$(uname -n)" "$(id -un)" "$(id -u)" "$HOME" "$(getconf _NPROCESSORS_ONLN 2>/dev/null)" "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
        while IFS= read -r line; do
        case $line in k*) kill -s KILL -- "-{"${line#k}"}" 2>/dev/null;; esac
        printf '%s\n' "$line"
        done
        """;

    /// <summary>Whether the greeting is one of a shell that reads as POSIX says.</summary>
    public static bool IsPosix(string printedProbe) => printedProbe == Probe;

    /// <summary>
    /// The script that runs a program. On both outputs it first says the nonce, so that what the user's shell prints at its start is told apart; on the standard output with the number of its process group, or why there is none.
    /// At the end it says the exit code on the standard error, which ssh itself would not tell apart from its own failures and from signals. The shell's own remarks on signals go nowhere.
    /// </summary>
    public static string Run(HostCommand command, string nonce)
    {
        var script = new StringBuilder();
        script.Append(System.Globalization.CultureInfo.InvariantCulture, $"printf '%s\\n' {nonce} >&2\n");
        if (command.WorkingDirectory is { } directory)
            script.Append(System.Globalization.CultureInfo.InvariantCulture, $"cd {Quote(directory)} 2>/dev/null || {{ printf '%s:nodirectory\\n' {nonce}; exit 0; }}\n");
        script.Append(System.Globalization.CultureInfo.InvariantCulture, $"command -v {Quote(command.Program)} >/dev/null 2>&1 || {{ printf '%s:noprogram\\n' {nonce}; exit 0; }}\n");
        script.Append(System.Globalization.CultureInfo.InvariantCulture, $"printf '%s:%s\\n' {nonce} $$\n{{ ");
        foreach (var (name, value) in command.Environment)
            script.Append(name).Append('=').Append(Quote(value)).Append(' ');
        // A name alone could be one of the shell's own commands; env knows programs only.
        if (!command.Program.StartsWith('/'))
            script.Append("env ");
        script.Append(Quote(command.Program));
        foreach (string argument in command.Arguments)
            script.Append(' ').Append(Quote(argument));
        script.Append(System.Globalization.CultureInfo.InvariantCulture, $" 2>&3 3>&-; }} 3>&2 2>/dev/null\nprintf '%s:%s\\n' {nonce} \"$?\" >&2");
        string text = script.ToString();
        int bytes = Encoding.UTF8.GetByteCount(text);
        return bytes <= MaxBytes
            ? text
            : throw new HypervisorException($"The arguments of '{command.Program}' come to {bytes} bytes as a shell reads them; the system takes {MaxBytes}. Hand what is long to its standard input.", ErrorCode.InvalidArgument, RequestOutcome.NotSent);
    }
}
