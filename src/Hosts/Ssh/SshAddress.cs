using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Hypervisor.Sdk.Hosts;

/// <summary>Where a node is reached by ssh: <c>ssh://user@host:port</c>. User and port may be missing; then the user's own configuration of ssh says them, as it may say everything else of the host.</summary>
/// <remarks>
/// Only what cannot be mistaken for an option, a command or a pattern is accepted. A password in the address is refused: ssh is asked for none, keys and agents prove who one is. The default value is no address: it prints as an
/// empty text.
/// </remarks>
public readonly record struct SshAddress : ISpanParsable<SshAddress>
{
    private const string Scheme = "ssh://";
    private const string Rule = "write ssh://user@host:port, of letters, digits, '.', '_' and '-', not beginning with '-', and an IPv6 address in brackets";
    private const int MaxHostLength = 253;
    private const int MaxUserLength = 64;

    private readonly string? _host;

    private SshAddress(string? user, string host, int? port)
    {
        User = user;
        _host = host;
        Port = port;
    }

    /// <summary>The user at the node; null for the one that ssh's configuration says.</summary>
    public string? User { get; }

    /// <summary>A name, an alias of ssh's configuration, or an address.</summary>
    public string Host => _host ?? "";

    /// <summary>The port; null for the one that ssh's configuration says.</summary>
    public int? Port { get; }

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _host is null;

    /// <summary>Parses an address.</summary>
    /// <exception cref="FormatException">The text is not an address that is accepted; what stands where a password would is not repeated.</exception>
    public static SshAddress Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Parse(s.AsSpan(), provider);
    }

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static SshAddress Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => Read(s, out var result) is { } problem ? throw new FormatException($"The address is not acceptable: {problem}.") : result;

    /// <summary>Parses an address and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out SshAddress result) => TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out SshAddress)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out SshAddress result) => Read(s, out result) is null;

    /// <summary>The address as it is parsed; an empty text for the default value.</summary>
    public override string ToString() =>
        IsDefault ? "" : string.Create(CultureInfo.InvariantCulture, $"{Scheme}{User}{(User is null ? "" : "@")}{(Host.Contains(':') ? $"[{Host}]" : Host)}{(Port is null ? "" : ":")}{Port}");

    private static string? Read(ReadOnlySpan<char> text, out SshAddress result)
    {
        result = default;
        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
            return $"it does not begin with {Scheme}; {Rule}";
        text = text[Scheme.Length..];
        if (text.EndsWith("/"))
            text = text[..^1];
        string? user = null;
        if (text.LastIndexOf('@') is >= 0 and int at)
        {
            var name = text[..at];
            if (name.Contains(':'))
                return "it holds a password; leave it out, and let a key or an agent prove who you are";
            if (!IsWord(name, MaxUserLength))
                return $"the user is not one; {Rule}";
            user = name.ToString();
            text = text[(at + 1)..];
        }

        var host = text;
        ReadOnlySpan<char> port = default;
        bool hasPort;
        if (text.StartsWith("["))
        {
            int close = text.IndexOf(']');
            if (close < 0 || !IPAddress.TryParse(text[1..close], out var address) || address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6 || text[1..close].Contains('%'))
                return $"what stands in brackets is not an IPv6 address; {Rule}";
            host = text[1..close];
            hasPort = close + 1 < text.Length;
            if (hasPort && text[close + 1] != ':')
                return $"something follows the host; {Rule}";
            port = hasPort ? text[(close + 2)..] : default;
        }
        else
        {
            int colon = text.IndexOf(':');
            hasPort = colon >= 0;
            if (hasPort)
            {
                host = text[..colon];
                port = text[(colon + 1)..];
            }

            if (!IsWord(host, MaxHostLength))
                return $"the host '{new string([.. host.ToString().Take(64).Select(c => char.IsAscii(c) && !char.IsControl(c) ? c : '?')])}' is not one; {Rule}";
        }

        int number = 0;
        if (hasPort && (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number is < 1 or > 65535))
            return "the port is not one of 1 to 65535";
        result = new SshAddress(user, host.ToString(), hasPort ? number : null);
        return null;
    }

    private static bool IsWord(ReadOnlySpan<char> text, int maxLength)
    {
        if (text.IsEmpty || text.Length > maxLength || text[0] == '-')
            return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
                return false;
        }

        return true;
    }
}
