using System.Buffers;
using System.Text;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>A header of a request, validated and encoded once. Its value may be a secret and is never printed.</summary>
public sealed class HttpHeader
{
    private static readonly SearchValues<char> s_token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    private static readonly string[] s_own =
        ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Expect", "TE", "Trailer", "Accept-Encoding"];

    /// <summary>Makes a header.</summary>
    /// <param name="name">A token (RFC 9110, 5.6.2). Not one of those that frame the message (Host, Content-Length, Transfer-Encoding, Connection, Upgrade, Expect ...): the client writes these.</param>
    /// <param name="value">Printable ASCII with spaces and tabs inside, not at its ends. No line ends, no NUL.</param>
    /// <exception cref="ArgumentException">The name or the value is not of this form. The message does not repeat the value.</exception>
    public HttpHeader(string name, string value)
        : this(name, value, isOwn: false)
    {
    }

    internal HttpHeader(string name, string value, bool isOwn)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(value);
        if (!IsToken(name))
            throw new ArgumentException($"'{Printable(name)}' is not the name of a header: letters, digits and !#$%&'*+-.^_`|~ only.", nameof(name));
        if (!isOwn && s_own.Contains(name, StringComparer.OrdinalIgnoreCase))
            throw new ArgumentException($"The header {name} is written by the client itself.", nameof(name));
        CheckValue(name, value);
        Name = name;
        Value = value;
        Encoded = Encoding.ASCII.GetBytes($"{name}: {value}\r\n");
    }

    /// <summary>The name as it was given.</summary>
    public string Name { get; }

    /// <summary>The value. It may be a secret.</summary>
    public string Value { get; }

    internal byte[] Encoded { get; }

    /// <summary>The name, and that there is a value.</summary>
    public override string ToString() => $"{Name}: [{Value.Length} characters]";

    internal static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(s_token);

    private static void CheckValue(string name, string value)
    {
        foreach (char c in value)
        {
            if (c is not ((>= ' ' and <= '~') or '\t'))
                throw new ArgumentException($"The value of the header {name} has the character U+{(int)c:X4}: only printable ASCII, space and tab are allowed.", nameof(value));
        }

        if (value.Length > 0 && (value[0] is ' ' or '\t' || value[^1] is ' ' or '\t'))
            throw new ArgumentException($"The value of the header {name} begins or ends with a space or a tab.", nameof(value));
    }

    private static string Printable(string text) => string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:X4}"));
}
