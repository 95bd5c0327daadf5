namespace Hypervisor.Sdk.Hosts;

/// <summary>How a node is reached by OpenSSH. Read once, when the session connects. What is not said here is as the user's own configuration, agent and known hosts say it.</summary>
public sealed class SshOptions
{
    /// <summary>ssh: a path, or a name that is looked up in PATH. OpenSSH 8.0 or newer. Default <c>ssh</c>.</summary>
    public string Program { get; set; } = "ssh";

    /// <summary>The configuration that ssh reads instead of the user's own and the system's (<c>-F</c>); an absolute path. Default: null, those.</summary>
    public string? ConfigFile { get; set; }

    /// <summary>What the node is called. Default: null, the host of the address.</summary>
    public NodeName? Node { get; set; }

    /// <summary>The directory in which a private one is made for sockets; at most 60 bytes, because a socket's path has 108. Default: null, the system's for temporary files.</summary>
    public string? RuntimeDirectory { get; set; }

    /// <summary>How long connecting may take, proof of identity included. Whole seconds. Default 30 seconds.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>After how much silence the node is asked whether it is still there; after three unanswered times it is lost. Whole seconds. Default 15 seconds.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How many programs run at the same time; more wait for their turn, as long as <see cref="ConnectTimeout"/>. Two sessions more are used for the connection itself and for files, and sshd allows ten unless its
    /// <c>MaxSessions</c> says otherwise. Default 8.
    /// </summary>
    public int ConcurrentCommands { get; set; } = 8;

    /// <summary>The clock of time-outs. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal SshOptions Validated()
    {
        Require(Program.Length > 0 && !Program.Contains('\0'), nameof(Program), Program, "a path or a name");
        Require(ConfigFile is null || (Path.IsPathFullyQualified(ConfigFile) && !ConfigFile.Contains('\0')), nameof(ConfigFile), ConfigFile ?? "", "an absolute path");
        Require(RuntimeDirectory is null || (Path.IsPathFullyQualified(RuntimeDirectory) && System.Text.Encoding.UTF8.GetByteCount(RuntimeDirectory) <= 60), nameof(RuntimeDirectory), RuntimeDirectory ?? "", "an absolute path of at most 60 bytes");
        Require(ConnectTimeout >= TimeSpan.FromSeconds(1), nameof(ConnectTimeout), ConnectTimeout.ToString(), "a second or more");
        Require(KeepAliveInterval >= TimeSpan.FromSeconds(1), nameof(KeepAliveInterval), KeepAliveInterval.ToString(), "a second or more");
        Require(ConcurrentCommands is >= 1 and <= 1000, nameof(ConcurrentCommands), ConcurrentCommands.ToString(System.Globalization.CultureInfo.InvariantCulture), "1 to 1000");
        return (SshOptions)MemberwiseClone();
    }

    private static void Require(bool holds, string name, string value, string rule)
    {
        if (!holds)
            throw new ArgumentException($"{nameof(SshOptions)}.{name} is '{value.Replace('\0', '?')}'; it must be {rule}.", name);
    }
}
