namespace Hypervisor.Sdk.Hosts;

/// <summary>What ssh says on its standard error when it fails. It has one exit code for everything, 255, and these texts, which are not translated (ssh.c, sshconnect.c, sshconnect2.c, packet.c, mux.c).</summary>
internal static class SshWords
{
    /// <summary>A second ssh that finds no master would connect by itself. It is told an address that its family does not have, and says this.</summary>
    private const string NoFallback = "Could not resolve hostname ::1";

    private static readonly (string Words, SshFailure Failure)[] s_failures =
    [
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", SshFailure.HostKeyChanged),
        ("REVOKED HOST KEY DETECTED", SshFailure.HostKeyChanged),
        ("Host key verification failed", SshFailure.HostKeyUnknown),
        ("Could not resolve hostname", SshFailure.NameNotResolved),
        ("Permission denied (", SshFailure.PermissionDenied),
        ("Too many authentication failures", SshFailure.PermissionDenied),
        ("Connection refused", SshFailure.Unreachable),
        ("No route to host", SshFailure.Unreachable),
        ("Network is unreachable", SshFailure.Unreachable),
        ("Connection timed out", SshFailure.Unreachable),
        ("Operation timed out", SshFailure.Unreachable),
        ("not responding", SshFailure.ConnectionLost),
        ("Connection closed by", SshFailure.ConnectionLost),
        ("Connection reset by", SshFailure.ConnectionLost),
        ("closed by remote host", SshFailure.ConnectionLost),
        ("Broken pipe", SshFailure.ConnectionLost),
    ];

    public static SshFailure FailureOf(string words) => s_failures.FirstOrDefault(entry => words.Contains(entry.Words, StringComparison.Ordinal)).Failure;

    /// <summary>The failure of connecting.</summary>
    public static SshException NotConnected(SshAddress address, SshFailure failure, string words, Exception? inner = null)
    {
        string why = failure switch
        {
            SshFailure.NotInstalled => "ssh is not installed on this machine. Install OpenSSH's client, or set its path in the options",
            SshFailure.NameNotResolved => "its name is not known. Check the name, or give it an address in ssh's configuration",
            SshFailure.Unreachable => "it does not answer. Check the address, the port and whether sshd runs there",
            SshFailure.HostKeyUnknown => "its key is not known. Compare it with the host's own, then add it to known_hosts",
            SshFailure.HostKeyChanged => "it has another key than the known one. Somebody may be listening: find out why before you change known_hosts",
            SshFailure.PermissionDenied => "it does not accept the keys that were offered. Check the user, the agent and authorized_keys",
            SshFailure.ShellNotPosix => "the shell of the user there does not read commands as POSIX says. Give the user sh, bash, dash, zsh or ksh",
            SshFailure.ConnectionLost => "the connection ended before it was made",
            _ => "ssh failed",
        };
        var code = failure switch
        {
            SshFailure.HostKeyUnknown or SshFailure.HostKeyChanged => ErrorCode.Denied,
            SshFailure.PermissionDenied => ErrorCode.Unauthenticated,
            SshFailure.NotInstalled or SshFailure.ShellNotPosix => ErrorCode.Unsupported,
            _ => ErrorCode.Unavailable,
        };
        return new SshException(failure, $"Connecting to {address} failed: {why}.{Said(words)}", code, RequestOutcome.NotSent, inner) { BackendMessage = words.Length > 0 ? words : null };
    }

    /// <summary>The failure of a program that began on a connection and whose end nobody heard of.</summary>
    public static SshException Lost(SshAddress address, string what, string words, RequestOutcome outcome) =>
        new(SshFailure.ConnectionLost, $"The connection to {address} was lost while {what}.{Said(words)}", ErrorCode.Unavailable, outcome) { BackendMessage = words.Length > 0 ? words : null };

    /// <summary>The failure of a second ssh that ended before its program had begun.</summary>
    public static SshException NotBegun(SshAddress address, string what, string words)
    {
        if (words.Contains("Session open refused by peer", StringComparison.Ordinal))
            return new SshException(SshFailure.TooManySessions, $"{address} refuses another program on this connection. Raise MaxSessions of its sshd, or lower {nameof(SshOptions)}.{nameof(SshOptions.ConcurrentCommands)}.", ErrorCode.Exhausted, RequestOutcome.NotSent) { BackendMessage = words };
        // It tried to connect by itself, which it does when the master does not answer: before it was asked for the program, or, with words of its own, after (mux.c, mux_client_request_session).
        bool wasAsked = !words.Contains(NoFallback, StringComparison.Ordinal) || words.Contains("mux_client_request_session: read from master failed", StringComparison.Ordinal);
        return Lost(address, what, words, wasAsked ? RequestOutcome.Unknown : RequestOutcome.NotSent);
    }

    private static string Said(string words)
    {
        string text = string.Join(' ', words.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(line => line.Any(c => c != '@')).TakeLast(6));
        return text.Length == 0 ? "" : $" ssh said: {string.Concat(text.Take(600).Select(c => char.IsControl(c) ? '?' : c))}";
    }
}
