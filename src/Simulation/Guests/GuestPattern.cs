using System.Text;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>Patterns of names: <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[!a]</c>; a backslash quotes.</summary>
internal static class GuestPattern
{
    public static Regex Of(string pattern)
    {
        var regex = new StringBuilder("^");
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            int close = c == '[' ? pattern.IndexOf(']', Math.Min(pattern.Length, i + 2)) : -1;
            if (c == '\\' && i + 1 < pattern.Length)
                regex.Append(Regex.Escape(pattern[++i].ToString()));
            else if (c == '*')
                regex.Append(".*");
            else if (c == '?')
                regex.Append('.');
            else if (close > 0)
            {
                string members = pattern[(i + 1)..close];
                bool isNegated = members[0] is '!' or '^';
                regex.Append('[').Append(isNegated ? "^" : "").Append((isNegated ? members[1..] : members).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("[", "\\[", StringComparison.Ordinal)).Append(']');
                i = close;
            }
            else
                regex.Append(Regex.Escape(c.ToString()));
        }

        const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant;
        try
        {
            return new Regex(regex.Append('$').ToString(), Options);
        }
        catch (ArgumentException)
        {
            // Brackets that are no class, such as [z-a], stand for themselves.
            return new Regex($"^{Regex.Escape(pattern)}$", Options);
        }
    }
}
