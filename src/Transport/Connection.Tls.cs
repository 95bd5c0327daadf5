using System.ComponentModel;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Hypervisor.Sdk.Transport;

/// <content>Making connections over TLS and over streams.</content>
public abstract partial class Connection
{
    /// <summary>Connects to a TCP port and speaks TLS there. The server is verified unless a pin alone says whom to trust.</summary>
    /// <param name="host">A host name or an IP address.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="tls">Whom to trust and who to be; null for what the system trusts.</param>
    /// <param name="options">Time-outs, keepalive and buffers; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels connecting.</param>
    /// <exception cref="ConnectException">There is no connection; <see cref="ConnectException.Failure"/> says why.</exception>
    /// <exception cref="ArgumentException">The host is empty, or the port, a pin or an option is not valid.</exception>
    /// <remarks>
    /// With TLS 1.3 a server that refuses this side's certificate says so only after the handshake: the first read or flush throws <see cref="CloseReason"/> then.
    /// </remarks>
    public static async Task<Connection> ConnectTlsAsync(
        string host, int port, TlsOptions? tls = null, ConnectionOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= ConnectionOptions.Default;
        tls ??= new TlsOptions();
        var check = new CertificateCheck(tls);
        Socket socket = NewTcpSocket(host, port, options);
        string endpoint = $"tls:{host}:{port}";
        using var deadline = new ConnectDeadline(options, cancellationToken);
        await ConnectSocketAsync(socket, TcpEndPoint(host, port), endpoint, options, deadline).ConfigureAwait(false);

        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            SslClientAuthenticationOptions handshake = await HandshakeAsync(host, tls, check, deadline.Token).ConfigureAwait(false);
            await stream.AuthenticateAsClientAsync(handshake, deadline.Token).ConfigureAwait(false);
            return new StreamConnection(stream, socket, endpoint, options, () => new ValueTask(stream.ShutdownAsync()));
        }
        catch (Exception error)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            if (error is OperationCanceledException)
            {
                deadline.ThrowIfCallerCancelled();
                throw deadline.TimedOut(endpoint);
            }

            if (check.Fault is { } fault)
                throw new ConnectException(ConnectFailure.Untrusted, $"Connecting to {endpoint} failed: {fault}.", error);
            if (error is AuthenticationException or IOException or Win32Exception)
                throw new ConnectException(ConnectFailure.Untrusted, $"Connecting to {endpoint} failed in the TLS handshake: {(error.InnerException ?? error).Message}", error);
            throw;
        }
    }

    /// <summary>Makes a connection of a stream that reads and writes at the same time. The connection owns the stream.</summary>
    /// <param name="stream">A duplex stream on which no operation is pending.</param>
    /// <param name="endpoint">What to call the peer in messages.</param>
    /// <param name="options">Buffers; null for the defaults.</param>
    /// <remarks>A stream has no half close: completing <see cref="Output"/> sends the rest, and the peer learns of the end when the connection is disposed.</remarks>
    public static Connection FromStream(Stream stream, string endpoint, ConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(endpoint);
        if (!stream.CanRead || !stream.CanWrite)
            throw new ArgumentException("A connection needs a stream that reads and writes.", nameof(stream));
        options ??= ConnectionOptions.Default;
        options.Validate();
        return new StreamConnection(stream, null, endpoint, options, static () => ValueTask.CompletedTask);
    }

    private static async Task<SslClientAuthenticationOptions> HandshakeAsync(string host, TlsOptions tls, CertificateCheck check, CancellationToken cancellationToken)
    {
        var handshake = new SslClientAuthenticationOptions
        {
            TargetHost = tls.ServerName ?? host,
            CertificateRevocationCheckMode = tls.RevocationMode,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => check.Accept(certificate, chain, errors),
        };
        if (tls.ApplicationProtocols.Count > 0)
            handshake.ApplicationProtocols = [.. tls.ApplicationProtocols.Select(name => new SslApplicationProtocol(name))];
        if (tls.ClientCertificate is { } provider)
        {
            X509Certificate2 own = await provider(cancellationToken).ConfigureAwait(false);
            handshake.ClientCertificateContext = SslStreamCertificateContext.Create(own, additionalCertificates: null, offline: true);
        }

        return handshake;
    }
}
