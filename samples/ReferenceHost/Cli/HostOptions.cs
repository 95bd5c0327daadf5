using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Hypervisor.Sdk.Libvirt;
using Hypervisor.Sdk.Lxd;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>The command line.</summary>
internal sealed class HostOptions
{
    public const string Usage = """
        Usage: ReferenceHost [COMMAND] [OPTIONS]

        Serves virtual machines and containers of this computer over REST, WebSocket and a web page.

        Commands:
          (none)            serve, until Ctrl-C; the machines go on running and are found again
          prepare           make the state directory, or say why it cannot be used
          token             print a new one-time sign-in address of the host that serves
          stop              shut the machines down, and the host that serves them; a simulated one of ./run too
          reset             the same, then delete the machines and everything that a host keeps in the state directory

        Options:
          --state DIR       where machines, disks and sessions are kept    [~/.local/state/hypervisor-sdk]
          --guest DIR       the guest image for the demo machines: vmlinuz and initrd
          --urls URL        where to listen; port 0 takes a free one       [http://127.0.0.1:0]
          --allow-remote    let --urls name an address that other computers reach
          --allow-directory DIR
                            backends added over REST may keep files beneath it too; may be repeated
          --lxd SOCKET      containers of the LXD server that listens there, or none   [one that is found]
          --incus SOCKET    containers of the Incus server that listens there, or none [one that is found]
          --libvirt URI     machines of the libvirt daemon at that address (qemu:///system), or its containers (lxc:///);
                            whoever signs in may give them any file of that daemon's host
          --shared DIR      be one panel with other hosts over the same --lxd or --incus servers: DIR/database says how to
                            connect to the PostgreSQL database of their jobs; keys are made beside it. No machines of this computer alone
          --page DIR        the built web page                             [wwwroot beside the program]
          --demo            make two small machines and start them
          --simulate        serve a simulated data centre instead: 3 nodes, 60 machines under load
          --yes             do not ask before reset
          --help            print this
        """;

    private const int MaxSocketPathBytes = 107;

    public HostCommand Command { get; private set; }

    public string State { get; private set; } = DefaultState();

    public string? Guest { get; private set; }

    public IPEndPoint Listen { get; private set; } = new(IPAddress.Loopback, 0);

    public List<string> AllowedDirectories { get; } = [];

    /// <summary>The socket of an LXD server; null for none.</summary>
    public string? Lxd { get; private set; }

    /// <summary>The socket of an Incus server; null for none.</summary>
    public string? Incus { get; private set; }

    /// <summary>The address of a libvirt daemon, as libvirt writes it; null for none.</summary>
    public string? Libvirt { get; private set; }

    /// <summary>What this host has in common with others that are one panel with it; null for a host of its own.</summary>
    public string? Shared { get; private set; }

    public string? Page { get; private set; }

    public bool Demo { get; private set; }

    public bool Simulate { get; private set; }

    public bool Yes { get; private set; }

    /// <returns>False, with what is wrong, when the words make no sense.</returns>
    public static bool TryParse(IReadOnlyList<string> words, [NotNullWhen(true)] out HostOptions? options, [NotNullWhen(false)] out string? problem)
    {
        var parsed = new HostOptions();
        string urls = "http://127.0.0.1:0";
        bool allowRemote = false;
        string? lxd = null, incus = null;
        (options, problem) = (null, null);
        for (int i = 0; i < words.Count && problem is null; i++)
        {
            string? value = i + 1 < words.Count ? words[i + 1] : null;
            switch (words[i])
            {
                case "prepare" or "token" or "stop" or "reset" when i == 0:
                    parsed.Command = Enum.Parse<HostCommand>(words[i], ignoreCase: true);
                    break;
                case "--help" or "-h":
                    parsed.Command = HostCommand.Help;
                    break;
                case "--demo":
                    parsed.Demo = true;
                    break;
                case "--simulate":
                    parsed.Simulate = true;
                    break;
                case "--yes":
                    parsed.Yes = true;
                    break;
                case "--allow-remote":
                    allowRemote = true;
                    break;
                case "--state" or "--guest" or "--allow-directory" or "--urls" or "--page" or "--lxd" or "--incus" or "--libvirt" or "--shared" when value is null or "":
                    problem = $"The option {words[i]} needs a value.";
                    break;
                case "--state":
                    parsed.State = Path.GetFullPath(words[++i]);
                    break;
                case "--guest":
                    parsed.Guest = Path.GetFullPath(words[++i]);
                    break;
                case "--allow-directory":
                    parsed.AllowedDirectories.Add(Path.TrimEndingDirectorySeparator(Path.GetFullPath(words[++i])));
                    break;
                case "--page":
                    parsed.Page = Path.GetFullPath(words[++i]);
                    break;
                case "--lxd":
                    lxd = words[++i];
                    break;
                case "--incus":
                    incus = words[++i];
                    break;
                case "--libvirt":
                    parsed.Libvirt = words[++i];
                    break;
                case "--shared":
                    parsed.Shared = Path.GetFullPath(words[++i]);
                    break;
                case "--urls":
                    urls = words[++i];
                    break;
                default:
                    problem = $"'{words[i]}' is neither a command nor an option.";
                    break;
            }
        }

        problem ??= parsed.SetServers(lxd, incus);
        problem ??= parsed.CheckLibvirt();
        problem ??= parsed.SetListen(urls, allowRemote);
        problem ??= parsed.CheckState();
        problem ??= parsed is { Demo: true, Simulate: true } ? "The options --demo and --simulate exclude each other." : null;
        problem ??= parsed.Demo && parsed.Guest is null ? "The option --demo needs --guest." : null;
        options = problem is null ? parsed : null;
        return problem is null;
    }

    /// <summary>A unix socket's path has a bound, and there are sockets in the directory: the host's own, and those of the machines.</summary>
    private string? CheckState()
    {
        bool hasMachines = Command is HostCommand.Run or HostCommand.Prepare && !Simulate;
        int bytes = Encoding.UTF8.GetByteCount(State), most = MaxSocketPathBytes - (hasMachines ? "/machines/run/vm-0123456789abc/changes.sock" : "/control.sock").Length;
        return bytes <= most ? null : $"The path of the state directory, {State}, has {bytes} bytes: {most} is the most here, because there are unix sockets beneath it, whose paths have {MaxSocketPathBytes} at most.";
    }

    private string? SetListen(string urls, bool allowRemote)
    {
        if (!Uri.TryCreate(urls, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp || url.PathAndQuery != "/" || url.UserInfo.Length > 0)
            return $"'{urls}' is not an address to listen at: http://ADDRESS:PORT. For https, put a reverse proxy in front.";
        string host = url.Host.Trim('[', ']');
        if (!IPAddress.TryParse(host == "localhost" ? "127.0.0.1" : host, out var address))
            return $"'{urls}' does not name an IP address or localhost.";
        if (!IPAddress.IsLoopback(address) && !allowRemote)
            return $"'{urls}' is reached by other computers, without encryption: say --allow-remote if that is what you want.";
        Listen = new(address, url.Port);
        return null;
    }

    /// <summary>Servers that nobody names are found by their sockets; not by hosts that share, which have to have the same.</summary>
    private string? SetServers(string? lxd, string? incus)
    {
        // Their machines and jobs are in the state directory.
        if (Command is HostCommand.Stop or HostCommand.Reset)
            Shared = null;
        Lxd = Socket(lxd, LxdOptions.LxdSocket, LxdOptions.LxdSnapSocket);
        Incus = Socket(incus, LxdOptions.IncusSocket);
        return Shared is null ? null
            : Demo || Simulate ? "The option --shared goes neither with --demo nor with --simulate: those machines are this host's alone."
            : Lxd is null && Incus is null ? "The option --shared needs --lxd or --incus: the servers whose machines are those of all hosts that share."
            : null;
    }

    private string? CheckLibvirt()
    {
        if (Libvirt is null)
            return null;
        if (Shared is not null)
            return "The option --shared does not go with --libvirt: of what a libvirt daemon was asked to delete only the host knows that asked.";
        try
        {
            _ = new LibvirtUri(Libvirt);
            return null;
        }
        catch (FormatException error)
        {
            return $"The option --libvirt: {error.Message}";
        }
    }

    private string? Socket(string? word, params string[] known) => word switch
    {
        null => Shared is null ? Array.Find(known, File.Exists) : null,
        "none" => null,
        _ => Path.GetFullPath(word),
    };

    private static string DefaultState() =>
        Path.Combine(Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } state ? state : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state"), "hypervisor-sdk");
}
