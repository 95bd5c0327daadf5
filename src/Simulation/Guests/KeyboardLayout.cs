using System.Globalization;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The keys of a PC's keyboard with 105 keys, by QEMU's words for them.</summary>
internal static class KeyboardLayout
{
    private static readonly HashSet<string> s_keys = new(
        [
            .. Enumerable.Range('a', 26).Select(letter => ((char)letter).ToString()),
            .. Enumerable.Range(0, 10).Select(digit => digit.ToString(CultureInfo.InvariantCulture)),
            .. Enumerable.Range(0, 10).Select(digit => string.Create(CultureInfo.InvariantCulture, $"kp_{digit}")),
            .. Enumerable.Range(1, 12).Select(number => string.Create(CultureInfo.InvariantCulture, $"f{number}")),
            "shift", "shift_r", "ctrl", "ctrl_r", "alt", "alt_r", "meta_l", "meta_r", "menu", "caps_lock", "num_lock", "scroll_lock", "esc", "ret", "spc", "tab", "backspace", "insert", "delete", "home", "end",
            "pgup", "pgdn", "up", "down", "left", "right", "print", "sysrq", "pause", "minus", "equal", "bracket_left", "bracket_right", "semicolon", "apostrophe", "grave_accent", "backslash", "comma", "dot",
            "slash", "less", "kp_divide", "kp_multiply", "kp_subtract", "kp_add", "kp_enter", "kp_decimal",
        ],
        StringComparer.Ordinal);

    public static bool Has(string? key) => key is not null && s_keys.Contains(key);

    /// <summary>Whether it is Ctrl+Alt+Delete, and nothing else.</summary>
    public static bool IsReboot(IReadOnlyList<string> keys) => keys.Count == 3 && keys.Any(key => key is "ctrl" or "ctrl_r") && keys.Any(key => key is "alt" or "alt_r") && keys.Contains("delete");
}
