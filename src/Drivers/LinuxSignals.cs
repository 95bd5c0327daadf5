using System.Globalization;

namespace Hypervisor.Sdk.Drivers;

/// <summary>The signals of Linux by their numbers on x86 and ARM (signal(7)), for servers and agents that know them by number only.</summary>
public static class LinuxSignals
{
    private const int Last = 64;

    private static readonly string[] s_names =
    [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>The name of a signal; one without a name of its own keeps its number: <c>SIG34</c>.</summary>
    /// <param name="number">The number, 1 to 99.</param>
    public static SignalName NameOf(long number) => SignalName.Parse(number > 0 && number < s_names.Length ? "SIG" + s_names[number] : string.Create(CultureInfo.InvariantCulture, $"SIG{number}"));

    /// <summary>The number of a signal: of <c>SIGTERM</c> 15, of <c>SIG34</c> 34; null for a name that Linux does not know.</summary>
    /// <param name="signal">The signal.</param>
    public static int? NumberOf(SignalName signal)
    {
        if (signal.IsDefault)
            return null;
        var name = signal.ToString().AsSpan(3);
        for (int number = 1; number < s_names.Length; number++)
        {
            if (name.SequenceEqual(s_names[number]))
                return number;
        }

        return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int given) && given is > 0 and <= Last ? given : null;
    }
}
