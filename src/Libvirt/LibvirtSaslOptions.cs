namespace Hypervisor.Sdk.Libvirt;

/// <summary>Who logs in to a daemon that asks for SASL. A daemon that asks for nothing is not accepted then: it may be another one.</summary>
/// <remarks>
/// SCRAM-SHA-256 (RFC 7677), by which the daemon proves that it knows the password too; PLAIN (RFC 4616) only where TLS has verified the daemon and it offers nothing better. Not over plain TCP: nothing there keeps others out of a
/// connection that is logged in.
/// </remarks>
public sealed class LibvirtSaslOptions
{
    /// <summary>The user, as the daemon's administrator has named him.</summary>
    public required string User { get; init; }

    /// <summary>The password. Asked for once with each connection.</summary>
    public required Func<CancellationToken, ValueTask<Secret>> Password { get; init; }
}
