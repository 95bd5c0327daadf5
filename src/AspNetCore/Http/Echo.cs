namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Shortens what a caller sent before it is repeated in a message.</summary>
internal static class Echo
{
    private const int MaxChars = 64;

    public static string Short(string text)
    {
        // Half a character is no text: the close reason of a WebSocket refuses to carry it.
        var cut = text.Length > MaxChars ? string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[MaxChars - 1]) ? MaxChars - 1 : MaxChars), "...") : text;
        return string.Create(cut.Length, cut, static (span, from) =>
        {
            for (int i = 0; i < span.Length; i++)
                span[i] = char.IsControl(from[i]) ? '?' : from[i];
        });
    }
}
