using System.Net;

namespace Hypervisor.Sdk.Qemu;

/// <summary>By which way guests come to a host that are moved to it. It holds for what this backend takes in; of what it gives away, the certificates.</summary>
public sealed class QemuMigrationOptions
{
    private const int MostChannels = 16;

    /// <summary>
    /// The address of this host at which its QEMU takes a guest in, on a port that is free: the QEMU that gives it away connects to it. Default null: the memory goes through this process, by unix sockets that nobody else reaches.
    /// </summary>
    public IPAddress? Address { get; set; }

    /// <summary>
    /// The directory with the certificates by which both ends of a move by TCP prove who they are, and encrypt: <c>ca-cert.pem</c>, and to take guests in <c>server-cert.pem</c> and <c>server-key.pem</c>, to give them away
    /// <c>client-cert.pem</c> and <c>client-key.pem</c> (QEMU's object <c>tls-creds-x509</c>). The user that QEMU runs as must be able to read it. Whoever has a certificate of that authority is trusted. Default null: no TLS.
    /// </summary>
    public string? TlsDirectory { get; set; }

    /// <summary>The name that is in <c>server-cert.pem</c> of this host. Default: <see cref="Address"/>.</summary>
    public string? TlsHostName { get; set; }

    /// <summary>Whether guests may come to an address that others reach without TLS: whoever is on that network can read their memory, or send another. Default false; a loopback address needs none.</summary>
    public bool AllowUnencrypted { get; set; }

    /// <summary>How many connections carry the memory beside the one for the rest (QEMU's capability <c>multifd</c>), 1 to 16. Default 1: one connection carries all.</summary>
    public int Channels { get; set; } = 1;

    internal QemuMigrationOptions Validated()
    {
        Require(Channels is >= 1 and <= MostChannels, nameof(Channels), Channels.ToString(System.Globalization.CultureInfo.InvariantCulture), $"1 to {MostChannels}");
        Require(TlsDirectory is null || (Path.IsPathFullyQualified(TlsDirectory) && !TlsDirectory.Contains('\0')), nameof(TlsDirectory), TlsDirectory ?? "", "an absolute path");
        Require(Address is null || TlsDirectory is not null || AllowUnencrypted || IPAddress.IsLoopback(Address), nameof(Address), Address?.ToString() ?? "", $"a loopback address without {nameof(TlsDirectory)}, or {nameof(AllowUnencrypted)} must be set");
        Require(Address is null || !(Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any)), nameof(Address), Address?.ToString() ?? "", "one address of this host, which the other one connects to");
        return (QemuMigrationOptions)MemberwiseClone();
    }

    private static void Require(bool holds, string name, string value, string rule)
    {
        if (!holds)
            throw new ArgumentException($"{nameof(QemuOptions)}.{nameof(QemuOptions.Migration)}.{name} is '{value.Replace('\0', '?')}'; it must be {rule}.", name);
    }
}
