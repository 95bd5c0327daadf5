using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Rpc;

namespace Hypervisor.Sdk.Libvirt;

/// <content>Logging in. What is not as strong as what was asked for is refused before anything secret is sent.</content>
public sealed partial class LibvirtConnection
{
    private const string Plain = "PLAIN";

    private async Task AuthenticateAsync(LibvirtUri uri, bool isTls, CancellationToken cancellationToken)
    {
        int[] kinds = await AuthListAsync(cancellationToken).ConfigureAwait(false);
        var sasl = _session.Options.Sasl;
        if (sasl is not null)
        {
            if (!kinds.Contains((int)RemoteAuthType.Sasl))
                throw NotAuthenticated($"{Endpoint} does not ask for SASL, for which a user was given: it may be another daemon.");
            await LogInAsync(sasl, uri, isTls, cancellationToken).ConfigureAwait(false);
        }
        else if (kinds.Length > 0 && !kinds.Contains((int)RemoteAuthType.None))
        {
            if (!kinds.Contains((int)RemoteAuthType.Polkit))
            {
                throw NotAuthenticated($"{Endpoint} asks for authentication of the kinds {string.Join(", ", kinds.Select(kind => (RemoteAuthType)kind))}: {(kinds.Contains((int)RemoteAuthType.Sasl)
                    ? "give a user and a password (LibvirtOptions.Sasl)." : "none of them is supported.")}");
            }

            await AuthPolkitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task LogInAsync(LibvirtSaslOptions sasl, LibvirtUri uri, bool isTls, CancellationToken cancellationToken)
    {
        if (uri.Transport == LibvirtTransport.Tcp)
            throw NotAuthenticated($"{Endpoint} is reached over plain TCP, where anybody on the way could take over what is logged in: use TLS or ssh.");
        string[] offered = (await AuthSaslInitAsync(cancellationToken).ConfigureAwait(false)).Split([',', ' '], StringSplitOptions.RemoveEmptyEntries);
        if (offered.Contains(ScramClient.Mechanism))
            await ScramAsync(sasl, cancellationToken).ConfigureAwait(false);
        else if (offered.Contains(Plain) && isTls)
            await PlainAsync(sasl, cancellationToken).ConfigureAwait(false);
        else
            throw NotAuthenticated($"{Endpoint} offers {(offered.Length == 0 ? "nothing" : string.Join(", ", offered))} for SASL; {ScramClient.Mechanism} is supported{(isTls ? "" : $", and {Plain} within TLS only")}.");
    }

    private async Task ScramAsync(LibvirtSaslOptions sasl, CancellationToken cancellationToken)
    {
        var scram = new ScramClient(sasl.User);
        try
        {
            var first = await AuthSaslStartAsync(ScramClient.Mechanism, 0, scram.First(), cancellationToken).ConfigureAwait(false);
            if (first.Complete != 0 || first.Nil != 0)
                throw new FormatException("it says that all is done before this side has proved anything");
            var password = await sasl.Password(cancellationToken).ConfigureAwait(false);
            var final = await AuthSaslStepAsync(0, scram.Final(first.Data, password), cancellationToken).ConfigureAwait(false);
            if (final.Nil == 0)
                scram.Verify(final.Data);
            // A server whose library tells of the end by itself is asked for it.
            if (final.Complete == 0 && scram.IsVerified)
                final = await AuthSaslStepAsync(1, [], cancellationToken).ConfigureAwait(false);
            if (final.Complete == 0 || !scram.IsVerified)
                throw new FormatException("it does not prove that it knows the password");
        }
        catch (FormatException error)
        {
            throw NotAuthenticated($"{Endpoint} cannot be trusted with SASL: {error.Message}.", error);
        }
    }

    private async Task PlainAsync(LibvirtSaslOptions sasl, CancellationToken cancellationToken)
    {
        var password = await sasl.Password(cancellationToken).ConfigureAwait(false);
        byte[] message = [0, .. Encoding.UTF8.GetBytes(sasl.User), 0, .. password.Reveal()];
        try
        {
            var answer = await AuthSaslStartAsync(Plain, 0, message, cancellationToken).ConfigureAwait(false);
            if (answer.Complete == 0)
                throw NotAuthenticated($"{Endpoint} wants more than {Plain} has.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(message);
        }
    }

    private static BackendConnectionException NotAuthenticated(string message, Exception? inner = null) => new(message, ErrorCode.Unauthenticated, RequestOutcome.NotSent, inner);
}
