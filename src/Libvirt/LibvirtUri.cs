using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.Hosts;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>
/// An address as libvirt writes it: <c>driver[+transport]://[host][:port]/path[?parameters]</c>, for example <c>qemu:///system</c>, <c>qemu+tls://host/system?pkipath=/etc/pki/a</c>,
/// <c>qemu+ssh://user@host/system</c>. Parameters: <c>socket</c> and <c>mode</c> (auto, legacy, direct) for unix and ssh, <c>pkipath</c> for TLS, and <c>name</c>, what the daemon is asked to open.
/// </summary>
/// <remarks>Transports and parameters that this library does not know are refused, never passed over: one that is not obeyed may be the one that protects.</remarks>
public sealed class LibvirtUri
{
    /// <summary>The daemon's port for TCP.</summary>
    private const int TcpPort = 16509;

    /// <summary>The daemon's port for TLS.</summary>
    private const int TlsPort = 16514;

    private readonly string _text;

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is not one, or has a transport or parameter that is not supported; the message says which.</exception>
    public LibvirtUri(string uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Fragment.Length > 0 || !uri.Contains("://", StringComparison.Ordinal))
            throw new FormatException($"'{uri}' is not an address of libvirt: driver[+transport]://[host][:port]/path[?parameters].");
        _text = uri;
        string[] scheme = parsed.Scheme.Split('+');
        Driver = scheme[0];
        Host = parsed.Host.Length == 0 ? null : parsed.IdnHost;
        if (scheme.Length > 2 || Driver.Length == 0)
            throw new FormatException($"'{uri}': '{parsed.Scheme}' is not a driver with a transport.");
        Transport = scheme.Length == 2 ? TransportOf($"{parsed.Scheme}://{parsed.Host}{parsed.AbsolutePath}", scheme[1]) : Host is null ? LibvirtTransport.Unix : LibvirtTransport.Tls;
        if (Transport == LibvirtTransport.Ssh)
            ReadSshAddress(parsed);
        else if (parsed.UserInfo.Length > 0)
            throw new FormatException($"'{parsed.Scheme}://{parsed.Authority}' has a user, which only the transport ssh takes.");
        if (Transport == LibvirtTransport.Unix && (Host is not null || parsed.Port > 0))
            throw new FormatException($"'{uri}': a unix socket has no host or port.");
        if (Transport != LibvirtTransport.Unix && Host is null)
            throw new FormatException($"'{uri}': the transport needs a host.");
        Port = Transport is LibvirtTransport.Unix or LibvirtTransport.Ssh ? Math.Max(parsed.Port, 0) : parsed.Port > 0 ? parsed.Port : Transport == LibvirtTransport.Tls ? TlsPort : TcpPort;
        Path = Uri.UnescapeDataString(parsed.AbsolutePath);
        ReadParameters(parsed.Query);
        Name ??= $"{Driver}://{parsed.AbsolutePath}";
        if (Transport == LibvirtTransport.Ssh && Socket is null && Path.StartsWith("/session", StringComparison.Ordinal))
            throw new FormatException($"'{parsed.Scheme}://{parsed.Host}{parsed.AbsolutePath}': where a session's socket is by ssh is said by the parameter 'socket'.");
    }

    /// <summary>The hypervisor driver: qemu, test, lxc, xen, ch.</summary>
    public string Driver { get; }

    /// <summary>How the daemon is reached; TLS where there is a host and nothing else is said.</summary>
    public LibvirtTransport Transport { get; }

    /// <summary>The host, or null for this machine.</summary>
    public string? Host { get; }

    /// <summary>The user at the other machine by ssh; null for the one that ssh's configuration says, and for every other transport.</summary>
    public string? User { get; private set; }

    /// <summary>The port; 0 for unix sockets, and where ssh's configuration says it. Default: 16509 for TCP, 16514 for TLS.</summary>
    public int Port { get; }

    /// <summary>What is opened: <c>/system</c>, <c>/session</c>, <c>/default</c>.</summary>
    public string Path { get; }

    /// <summary>What the daemon is asked to open: <c>qemu:///system</c>.</summary>
    public string Name { get; private set; }

    /// <summary>The socket's file by the parameter <c>socket</c>, or null.</summary>
    public string? Socket { get; private set; }

    /// <summary>The directory of cacert.pem, clientcert.pem and clientkey.pem by the parameter <c>pkipath</c>, or null.</summary>
    public string? PkiPath { get; private set; }

    /// <summary>Which daemon's socket is looked for: <c>auto</c>, <c>legacy</c> (libvirtd) or <c>direct</c> (virtqemud and its like).</summary>
    internal string Mode { get; private set; } = "auto";

    /// <summary>Reads an address and says whether that worked.</summary>
    public static bool TryParse([NotNullWhen(true)] string? uri, [NotNullWhen(true)] out LibvirtUri? result)
    {
        result = null;
        try
        {
            result = uri is null ? null : new LibvirtUri(uri);
        }
        catch (FormatException)
        {
            // That is the answer.
        }

        return result is not null;
    }

    /// <summary>Where the other machine is, for ssh.</summary>
    internal SshAddress SshAddress { get; private set; }

    /// <summary>The address without a user.</summary>
    internal Uri Endpoint => new(User is null ? _text : _text.Replace($"://{User}@", "://", StringComparison.Ordinal));

    /// <summary>The address as it was given.</summary>
    public override string ToString() => _text;

    /// <summary>The unix socket: the one that is named, else the one that libvirt's own client would take.</summary>
    internal string SocketPath(bool isReadOnly)
    {
        if (Socket is not null)
            return Socket;
        bool isSession = Path.StartsWith("/session", StringComparison.Ordinal);
        string directory = isSession
            ? System.IO.Path.Combine(Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "libvirt")
            : "/var/run/libvirt";
        string suffix = isReadOnly && !isSession ? "-sock-ro" : "-sock";
        string direct = System.IO.Path.Combine(directory, $"virt{Driver}d{suffix}");
        bool isDirect = Mode == "direct" || (Mode == "auto" && File.Exists(direct));
        return isDirect ? direct : System.IO.Path.Combine(directory, "libvirt" + suffix);
    }

    /// <summary>The sockets that may be the daemon's on another machine, in the order in which they are tried.</summary>
    internal IReadOnlyList<string> RemoteSocketPaths(bool isReadOnly)
    {
        string suffix = isReadOnly ? "-sock-ro" : "-sock";
        if (Socket is not null)
            return [Socket];
        string direct = $"/var/run/libvirt/virt{Driver}d{suffix}";
        string legacy = $"/var/run/libvirt/libvirt{suffix}";
        return Mode switch
        {
            "direct" => [direct],
            "legacy" => [legacy],
            _ => [direct, legacy],
        };
    }

    private void ReadSshAddress(Uri parsed)
    {
        string user = parsed.UserInfo.Length == 0 ? "" : parsed.UserInfo + "@";
        if (user.Contains(':', StringComparison.Ordinal) || !SshAddress.TryParse($"ssh://{user}{parsed.Host}{(parsed.Port > 0 ? $":{parsed.Port}" : "")}", null, out var address))
            throw new FormatException($"'{parsed.Scheme}://{parsed.Host}{parsed.AbsolutePath}' is not reached by ssh: its address is [user@]host[:port], without a password.");
        SshAddress = address;
        User = address.User;
    }

    private static LibvirtTransport TransportOf(string uri, string name) => name switch
    {
        "unix" => LibvirtTransport.Unix,
        "tcp" => LibvirtTransport.Tcp,
        "tls" => LibvirtTransport.Tls,
        "ssh" => LibvirtTransport.Ssh,
        _ => throw new FormatException($"'{uri}': the transport '{name}' is not supported; unix, tcp, tls and ssh are. Any other way can be given as a connection."),
    };

    private void ReadParameters(string query)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string pair in query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = pair.Split('=', 2);
            string name = Uri.UnescapeDataString(sides[0]);
            string value = sides.Length == 2 ? Uri.UnescapeDataString(sides[1]) : "";
            if (!seen.Add(name))
                throw new FormatException($"'{_text}' has the parameter '{name}' twice.");
            if (value.Length == 0 || value.Contains('\0'))
                throw new FormatException($"'{_text}': the parameter '{name}' needs a value.");
            switch (name)
            {
                case "name":
                    Name = value;
                    break;
                case "socket" when Transport is LibvirtTransport.Unix or LibvirtTransport.Ssh:
                    Socket = value;
                    break;
                case "mode" when (Transport is LibvirtTransport.Unix or LibvirtTransport.Ssh) && (value is "auto" or "legacy" or "direct"):
                    Mode = value;
                    break;
                case "pkipath" when Transport == LibvirtTransport.Tls:
                    PkiPath = value;
                    break;
                default:
                    throw new FormatException($"'{_text}': the parameter '{name}' with the value '{value}' is not supported for the transport {Transport}.");
            }
        }
    }
}
