namespace Hypervisor.Sdk.Hosts.Tests.Lab;

/// <summary>What a shell, ssh or a configuration could take for something else than it is.</summary>
internal static class WorstNames
{
    /// <summary>As arguments.</summary>
    public static IReadOnlyList<string> Arguments { get; } =
    [
        "", " ", "'", "''", "\"", "\\", "\\\\", "\\'", "it's", "$(touch /tmp/owned)", "`id`", "$HOME", "${HOME}", "$$", "!", "!!", "a\nb", "\n", "\r\n", "\t", "-", "--", "-rf", "--help", "-oProxyCommand=id", "*", "?", "[a-z]", "{a,b}",
        "~", "~root", "a;b", "a&b", "a|b", "a>b", "a<b", "#a", "=a", "a=b", "%s%n", "%%", "%h", "\u0001\u0002\u001b[31m\u007f", "äöü", "日本語", "🦊", "\uFFFD", "\u202Eevil", "hvsdk-", "'; exit 7; '", "\"$(id)\"", "\\$(id)\\",
        new string('\'', 3000), new string('x', 100_000),
    ];

    /// <summary>As names of files.</summary>
    public static IReadOnlyList<string> Files { get; } =
    [
        " ", "'", "\"", "\\", "it's", "$(id)", "`id`", "${HOME}", "!", "a\nb", "-rf", "--", "*", "?", "[a]", "~", "a;b", "a&b", "#a", "=a", "%h", "%%", "a:b", "\u0001\u001b", "äöü", "🦊", ".hidden", "...", new string('x', 200),
    ];
}
