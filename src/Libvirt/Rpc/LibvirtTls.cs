using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <summary>TLS as libvirt's daemons speak it: certificates from files with fixed names, and one byte from the daemon when it has accepted this side's.</summary>
internal static class LibvirtTls
{
    private const byte Accepted = 1;

    public static async Task<Connection> ConnectAsync(LibvirtUri uri, LibvirtOptions options, ConnectionOptions transport, CancellationToken cancellationToken)
    {
        using var certificates = options.Tls is null ? Certificates.Load(uri.PkiPath) : null;
        var connection = await Connection.ConnectTlsAsync(uri.Host!, uri.Port, options.Tls ?? certificates!.ToOptions(), transport, cancellationToken).ConfigureAwait(false);
        try
        {
            await WaitUntilAcceptedAsync(connection, options, cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task WaitUntilAcceptedAsync(Connection connection, LibvirtOptions options, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        ReadResult read;
        try
        {
            read = await connection.Input.ReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (ConnectionClosedException error)
        {
            throw Refused(connection, error);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BackendConnectionException(
                $"{connection.Endpoint} did not accept this side's certificate within {options.ConnectTimeout.TotalSeconds:0.###} s.", ErrorCode.Timeout, RequestOutcome.NotSent);
        }

        if (read.Buffer.IsEmpty)
            throw Refused(connection, null);
        byte first = read.Buffer.FirstSpan[0];
        connection.Input.AdvanceTo(read.Buffer.GetPosition(1));
        if (first != Accepted)
            throw new BackendProtocolException($"{connection.Endpoint} broke the protocol: it began with {first} instead of {Accepted}.", ErrorCode.Protocol, RequestOutcome.NotSent);
    }

    private static BackendConnectionException Refused(Connection connection, Exception? error) => new(
        $"{connection.Endpoint} did not accept this side's certificate{(error is null ? "." : ": " + error.Message)}", ErrorCode.Unauthenticated, RequestOutcome.NotSent, error);

    /// <summary>The files of a directory that <c>pkipath</c> names, or those of the system where there are any.</summary>
    private sealed class Certificates : IDisposable
    {
        private readonly X509Certificate2Collection _roots = [];
        private X509Certificate2? _client;

        public static Certificates Load(string? pkiPath)
        {
            var loaded = new Certificates();
            if (pkiPath is not null)
                loaded.Read(Path.Combine(pkiPath, "cacert.pem"), Path.Combine(pkiPath, "clientcert.pem"), Path.Combine(pkiPath, "clientkey.pem"));
            else if (File.Exists("/etc/pki/CA/cacert.pem"))
                loaded.Read("/etc/pki/CA/cacert.pem", "/etc/pki/libvirt/clientcert.pem", "/etc/pki/libvirt/private/clientkey.pem");
            return loaded;
        }

        public TlsOptions ToOptions()
        {
            var options = new TlsOptions();
            options.TrustedRoots.AddRange(_roots);
            if (_client is { } client)
                options.ClientCertificate = _ => ValueTask.FromResult(client);
            return options;
        }

        public void Dispose()
        {
            _client?.Dispose();
            foreach (var root in _roots)
                root.Dispose();
        }

        private void Read(string authority, string certificate, string key)
        {
            try
            {
                _roots.ImportFromPemFile(authority);
                if (!File.Exists(certificate))
                    return;
                // A key that was only in memory cannot be used on every system.
                using var pem = X509Certificate2.CreateFromPemFile(certificate, key);
                _client = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
            {
                throw new BackendConnectionException($"The certificates for TLS cannot be read ({authority}, {certificate}, {key}): {error.Message}", ErrorCode.InvalidArgument, RequestOutcome.NotSent, error);
            }
        }
    }
}
