// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/certificates/{fingerprint}</c>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task CertificateDeleteAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.CertificateDelete, Path($"/1.0/certificates/{fingerprint}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/certificates/{fingerprint}</c>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdCertificate>> CertificateGetAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.CertificateGet, Path($"/1.0/certificates/{fingerprint}"), null, call, LxdJson.Default.LxdCertificate, cancellationToken);

    /// <summary><c>PATCH /1.0/certificates/{fingerprint}</c>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task CertificatePatchAsync(string fingerprint, LxdCertificatePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.CertificatePatch, Path($"/1.0/certificates/{fingerprint}"), null, call, Json(body, LxdJson.Default.LxdCertificatePut), cancellationToken);

    /// <summary><c>PUT /1.0/certificates/{fingerprint}</c>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task CertificatePutAsync(string fingerprint, LxdCertificatePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.CertificatePut, Path($"/1.0/certificates/{fingerprint}"), null, call, Json(body, LxdJson.Default.LxdCertificatePut), cancellationToken);

    /// <summary><c>GET /1.0/certificates</c>. The call may carry <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> CertificatesGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.CertificatesGet, Path($"/1.0/certificates"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/certificates?recursion=1</c>. The call may carry <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdCertificate>>> CertificatesGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.CertificatesGetRecursion1, Path($"/1.0/certificates"), "recursion=1", call, LxdJson.Default.ListOfLxdCertificate, cancellationToken);

    /// <summary><c>POST /1.0/certificates</c>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation?> CertificatesPostAsync(LxdCertificatesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendOrBeginAsync(LxdApi.CertificatesPost, Path($"/1.0/certificates"), null, call, Json(body, LxdJson.Default.LxdCertificatesPost), cancellationToken);

    /// <summary><c>POST /1.0/certificates?public</c>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task CertificatesPostUntrustedAsync(LxdCertificatesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.CertificatesPostUntrusted, Path($"/1.0/certificates"), "public", call, Json(body, LxdJson.Default.LxdCertificatesPost), cancellationToken);
}
