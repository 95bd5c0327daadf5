// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/images/aliases/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ImageAliasDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ImageAliasDelete, Path($"/1.0/images/aliases/{name}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/images/aliases/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdImageAliasesEntry>> ImageAliasGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImageAliasGet, Path($"/1.0/images/aliases/{name}"), null, call, LxdJson.Default.LxdImageAliasesEntry, cancellationToken);

    /// <summary><c>GET /1.0/images/aliases/{name}?public</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdImageAliasesEntry>> ImageAliasGetUntrustedAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImageAliasGetUntrusted, Path($"/1.0/images/aliases/{name}"), "public", call, LxdJson.Default.LxdImageAliasesEntry, cancellationToken);

    /// <summary><c>DELETE /1.0/images/{fingerprint}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ImageDeleteAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ImageDelete, Path($"/1.0/images/{fingerprint}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/images/{fingerprint}/export</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> ImageExportGetAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.ImageExportGet, Path($"/1.0/images/{fingerprint}/export"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/images/{fingerprint}/export?public</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Secret"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> ImageExportGetUntrustedAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.ImageExportGetUntrusted, Path($"/1.0/images/{fingerprint}/export"), "public", call, cancellationToken);

    /// <summary><c>GET /1.0/images/{fingerprint}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdImage>> ImageGetAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImageGet, Path($"/1.0/images/{fingerprint}"), null, call, LxdJson.Default.LxdImage, cancellationToken);

    /// <summary><c>GET /1.0/images/{fingerprint}?public</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Secret"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdImage>> ImageGetUntrustedAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImageGetUntrusted, Path($"/1.0/images/{fingerprint}"), "public", call, LxdJson.Default.LxdImage, cancellationToken);

    /// <summary><c>PATCH /1.0/images/{fingerprint}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ImagePatchAsync(string fingerprint, LxdImagePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ImagePatch, Path($"/1.0/images/{fingerprint}"), null, call, Json(body, LxdJson.Default.LxdImagePut), cancellationToken);

    /// <summary><c>PUT /1.0/images/{fingerprint}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ImagePutAsync(string fingerprint, LxdImagePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ImagePut, Path($"/1.0/images/{fingerprint}"), null, call, Json(body, LxdJson.Default.LxdImagePut), cancellationToken);

    /// <summary><c>PATCH /1.0/images/aliases/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ImagesAliasPatchAsync(string name, LxdImageAliasesEntryPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ImagesAliasPatch, Path($"/1.0/images/aliases/{name}"), null, call, Json(body, LxdJson.Default.LxdImageAliasesEntryPut), cancellationToken);

    /// <summary><c>POST /1.0/images/aliases/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ImagesAliasPostAsync(string name, LxdImageAliasesEntryPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ImagesAliasPost, Path($"/1.0/images/aliases/{name}"), null, call, Json(body, LxdJson.Default.LxdImageAliasesEntryPost), cancellationToken);

    /// <summary><c>GET /1.0/images/aliases</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> ImagesAliasesGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImagesAliasesGet, Path($"/1.0/images/aliases"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/images/aliases?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdImageAliasesEntry>>> ImagesAliasesGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImagesAliasesGetRecursion1, Path($"/1.0/images/aliases"), "recursion=1", call, LxdJson.Default.ListOfLxdImageAliasesEntry, cancellationToken);

    /// <summary><c>POST /1.0/images/aliases</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ImagesAliasesPostAsync(LxdImageAliasesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ImagesAliasesPost, Path($"/1.0/images/aliases"), null, call, Json(body, LxdJson.Default.LxdImageAliasesPost), cancellationToken);

    /// <summary><c>PUT /1.0/images/aliases/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ImagesAliasesPutAsync(string name, LxdImageAliasesEntryPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ImagesAliasesPut, Path($"/1.0/images/aliases/{name}"), null, call, Json(body, LxdJson.Default.LxdImageAliasesEntryPut), cancellationToken);

    /// <summary><c>POST /1.0/images/{fingerprint}/export</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ImagesExportPostAsync(string fingerprint, LxdImageExportPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ImagesExportPost, Path($"/1.0/images/{fingerprint}/export"), null, call, Json(body, LxdJson.Default.LxdImageExportPost), cancellationToken);

    /// <summary><c>GET /1.0/images</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> ImagesGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImagesGet, Path($"/1.0/images"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/images?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdImage>>> ImagesGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImagesGetRecursion1, Path($"/1.0/images"), "recursion=1", call, LxdJson.Default.ListOfLxdImage, cancellationToken);

    /// <summary><c>GET /1.0/images?public&amp;recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdImage>>> ImagesGetRecursion1UntrustedAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImagesGetRecursion1Untrusted, Path($"/1.0/images"), "public&recursion=1", call, LxdJson.Default.ListOfLxdImage, cancellationToken);

    /// <summary><c>GET /1.0/images?public</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> ImagesGetUntrustedAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ImagesGetUntrusted, Path($"/1.0/images"), "public", call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>POST /1.0/images</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.HeaderSecret"/>, <see cref="LxdCall.HeaderFingerprint"/>, <see cref="LxdCall.HeaderAliases"/>, <see cref="LxdCall.HeaderProperties"/>, <see cref="LxdCall.HeaderPublic"/>, <see cref="LxdCall.HeaderFilename"/>, <see cref="LxdCall.HeaderProfiles"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ImagesPostAsync(LxdImagesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ImagesPost, Path($"/1.0/images"), null, call, Json(body, LxdJson.Default.LxdImagesPost), cancellationToken);

    /// <summary><c>POST /1.0/images</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.HeaderSecret"/>, <see cref="LxdCall.HeaderFingerprint"/>, <see cref="LxdCall.HeaderAliases"/>, <see cref="LxdCall.HeaderProperties"/>, <see cref="LxdCall.HeaderPublic"/>, <see cref="LxdCall.HeaderFilename"/>, <see cref="LxdCall.HeaderProfiles"/>.</summary>
    /// <param name="body">What is sent as it is.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ImagesPostAsync(HttpRequestBody body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ImagesPost, Path($"/1.0/images"), null, call, body, cancellationToken);

    /// <summary><c>POST /1.0/images?public</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ImagesPostUntrustedAsync(LxdImagesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ImagesPostUntrusted, Path($"/1.0/images"), "public", call, Json(body, LxdJson.Default.LxdImagesPost), cancellationToken);

    /// <summary><c>POST /1.0/images/{fingerprint}/refresh</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ImagesRefreshPostAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ImagesRefreshPost, Path($"/1.0/images/{fingerprint}/refresh"), null, call, cancellationToken);

    /// <summary><c>POST /1.0/images/{fingerprint}/secret</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="fingerprint">The path's <c>fingerprint</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ImagesSecretPostAsync(string fingerprint, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ImagesSecretPost, Path($"/1.0/images/{fingerprint}/secret"), null, call, cancellationToken);
}
