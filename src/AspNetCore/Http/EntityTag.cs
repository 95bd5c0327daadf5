using System.Text;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A revision as an HTTP entity tag (RFC 9110, 8.8.3): in quotes, with whatever a tag cannot contain percent-encoded.</summary>
internal static class EntityTag
{
    public static string Write(Revision revision)
    {
        string text = revision.ToString();
        var tag = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is > 0x20 and < 0x7F and not '"' and not '%' and not '\\')
                tag.Append((char)rune.Value);
            else
                tag.Append(Uri.EscapeDataString(rune.ToString()));
        }

        return tag.Append('"').ToString();
    }

    public static string Read(string header)
    {
        var tag = header.AsSpan().Trim();
        if (tag.Length < 3 || tag[0] != '"' || tag[^1] != '"' || tag[1..^1].Contains('"'))
            throw RequestRefusedException.Field("If-Match", $"The header If-Match is '{Echo.Short(header)}' and not one revision in quotes.");
        return Uri.UnescapeDataString(tag[1..^1]);
    }
}
