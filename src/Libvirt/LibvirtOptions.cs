using Hypervisor.Sdk.Hosts;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>How a connection to a libvirt daemon is made and kept. Read once, when the connection is made.</summary>
public sealed class LibvirtOptions
{
    /// <summary>How long connecting, authentication and opening may take. Default: 30 seconds.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a call may take, or <see cref="Timeout.InfiniteTimeSpan"/>. Default: 5 minutes; <see cref="LibvirtConnection.WithTimeout"/> for those that take longer, migration above all.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How many calls are sent before the first is answered: <c>max_client_requests</c> of the daemon's configuration, which stops reading where there are more. Further calls wait
    /// here. 1 to 4096. Default: 5, as the daemon's.
    /// </summary>
    public int MaxClientRequests { get; set; } = 5;

    /// <summary>How many calls may wait here because <see cref="MaxClientRequests"/> are under way; one more is refused as <see cref="ErrorCode.Exhausted"/>. Default: 4096.</summary>
    public int MaxWaitingCalls { get; set; } = 4096;

    /// <summary>How often a silent daemon is asked whether it is there, or <see cref="Timeout.InfiniteTimeSpan"/> for never. Default: 5 seconds.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>After how many unanswered questions the connection is closed. Default: 5.</summary>
    public int KeepAliveCount { get; set; } = 5;

    /// <summary>
    /// How much of a stream is kept for a reader that is slower than the daemon; then nothing more is read from the connection until the reader has caught up. 64 KiB to 64 MiB.
    /// Default: 4 MiB.
    /// </summary>
    public int StreamBufferBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Opens the connection for reading only. Default: false.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>Whom TLS trusts and who this side is; null for what the system trusts. Takes the place of the URI's <c>pkipath</c>. Default: null.</summary>
    public TlsOptions? Tls { get; set; }

    /// <summary>Who logs in to a daemon that asks for SASL; null for nobody. Default: null.</summary>
    public LibvirtSaslOptions? Sasl { get; set; }

    /// <summary>How another machine is reached by ssh; null for the user's own configuration of it. Default: null.</summary>
    public SshOptions? Ssh { get; set; }

    /// <summary>The clock of time-outs and keepalive. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal LibvirtOptions Validated()
    {
        Positive(ConnectTimeout, nameof(ConnectTimeout));
        Positive(CallTimeout, nameof(CallTimeout));
        Positive(KeepAliveInterval, nameof(KeepAliveInterval));
        InRange(MaxClientRequests, 1, 4096, nameof(MaxClientRequests));
        InRange(MaxWaitingCalls, 0, 1 << 20, nameof(MaxWaitingCalls));
        InRange(KeepAliveCount, 1, 1000, nameof(KeepAliveCount));
        InRange(StreamBufferBytes, 64 * 1024, 64 * 1024 * 1024, nameof(StreamBufferBytes));
        ArgumentNullException.ThrowIfNull(TimeProvider);
        if (Sasl is { User: var user } && (user.Length == 0 || user.Any(char.IsControl)))
            throw new ArgumentException("Sasl.User is a name, without control characters.");
        return (LibvirtOptions)MemberwiseClone();
    }

    private static void Positive(TimeSpan value, string name)
    {
        if (value <= TimeSpan.Zero && value != Timeout.InfiniteTimeSpan)
            throw new ArgumentException($"{name} is {value}; it must be positive or infinite.");
    }

    private static void InRange(int value, int least, int most, string name)
    {
        if (value < least || value > most)
            throw new ArgumentException($"{name} is {value}; it must be {least} to {most}.");
    }
}
