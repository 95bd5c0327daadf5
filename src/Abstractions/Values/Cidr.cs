using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hypervisor.Sdk;

/// <summary>An IP address with the length of its network prefix, as an interface has it: <c>10.0.0.5/24</c>, <c>fd00::5/64</c>.</summary>
/// <remarks>Bits beyond the prefix may be set; see <see cref="Network"/> for the network alone. IPv6 zone ids are refused: they mean nothing on another machine. The default value is no address.</remarks>
public readonly record struct Cidr : ISpanParsable<Cidr>, IUtf8SpanParsable<Cidr>, ISpanFormattable, IUtf8SpanFormattable
{
    private const int MaxChars = 64;
    private const string Rule = "an IPv4 or IPv6 address in its usual form, '/', and 0 to 32 or 0 to 128";

    private readonly IPAddress? _address;

    /// <summary>An address and the length of its prefix.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="address"/> is null.</exception>
    /// <exception cref="ArgumentException">The address is neither IPv4 nor IPv6 without a zone id.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="prefixLength"/> is not 0 to 32 (IPv4) or 0 to 128 (IPv6).</exception>
    public Cidr(IPAddress address, int prefixLength)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!IsPlain(address))
            throw new ArgumentException("The address is neither IPv4 nor IPv6 without a zone id.", nameof(address));
        ArgumentOutOfRangeException.ThrowIfNegative(prefixLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixLength, BitsOf(address));
        _address = address;
        PrefixLength = prefixLength;
    }

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _address is null;

    /// <summary>The address.</summary>
    /// <exception cref="InvalidOperationException">This is the default value.</exception>
    public IPAddress Address => _address ?? throw new InvalidOperationException("This Cidr is the default value: it has no address.");

    /// <summary>The number of leading bits that name the network: 0 to 32 for IPv4, 0 to 128 for IPv6.</summary>
    public int PrefixLength { get; }

    /// <summary>The network that the address is in.</summary>
    /// <exception cref="InvalidOperationException">This is the default value.</exception>
    public IPNetwork Network
    {
        get
        {
            byte[] bytes = Address.GetAddressBytes();
            for (int bit = PrefixLength; bit < bytes.Length * 8; bit++)
                bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            return new IPNetwork(new IPAddress(bytes), PrefixLength);
        }
    }

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static Cidr Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Parse(s.AsSpan(), provider);
    }

    /// <summary>Parses an address with its prefix length.</summary>
    /// <param name="s">For example <c>10.0.0.5/24</c>.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="FormatException">The text is not of that form; the message names the value and the rule.</exception>
    public static Cidr Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => TryParse(s, provider, out var cidr) ? cidr : throw new FormatException($"'{TextRules.Echo(s)}' is not an address with a prefix length: {Rule}.");

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static Cidr Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) =>
        TryParse(utf8Text, provider, out var cidr) ? cidr : throw new FormatException($"'{TextRules.Echo(Encoding.UTF8.GetString(utf8Text[..Math.Min(utf8Text.Length, MaxChars)]))}' is not an address with a prefix length: {Rule}.");

    /// <summary>Parses an address with its prefix length and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Cidr result) => TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Cidr)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out Cidr result)
    {
        result = default;
        int slash = s.IndexOf('/');
        if (slash < 0 || s.Length > MaxChars || !IPAddress.TryParse(s[..slash], out var address) || !IsPlain(address) || (address.AddressFamily == AddressFamily.InterNetwork && s[..slash].Count('.') != 3))
            return false;
        var prefix = s[(slash + 1)..];
        if (prefix.Length is 0 or > 3 || (prefix.Length > 1 && prefix[0] == '0') || !int.TryParse(prefix, NumberStyles.None, CultureInfo.InvariantCulture, out int prefixLength) || prefixLength > BitsOf(address))
            return false;
        // Leading zeros are octal to some readers and decimal to others: only the form that prints the same is taken.
        if (address.AddressFamily == AddressFamily.InterNetwork && !s[..slash].SequenceEqual(address.ToString()))
            return false;
        result = new(address, prefixLength);
        return true;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Cidr)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out Cidr result)
    {
        Span<char> chars = stackalloc char[MaxChars];
        result = default;
        return utf8Text.Length <= MaxChars && Encoding.UTF8.TryGetChars(utf8Text, chars, out int length) && TryParse(chars[..length], provider, out result);
    }

    /// <summary>The canonical text: <c>10.0.0.5/24</c>; an empty text for the default value.</summary>
    public override string ToString() => _address is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{_address}/{PrefixLength}");

    /// <inheritdoc />
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc />
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(ToString(), destination, out charsWritten);

    /// <inheritdoc />
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(ToString(), utf8Destination, out bytesWritten);

    private static bool IsPlain(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork || (address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId == 0);

    private static int BitsOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
}
