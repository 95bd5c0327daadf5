using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using static Hypervisor.Sdk.AspNetCore.ApiSchema;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Pools and volumes.</summary>
internal static class StorageRoutes
{
    private const string Pool = "/storage/{backend}/pools/{pool}/volumes";
    private const string One = "/storage/{backend}/volumes/{id}";

    public static void Map(ApiRouter routes)
    {
        routes.Get("/storage/pools", "listPools", "Lists the storage pools of all backends.", PageOf(Located<StoragePool>()), call => BackendList.WriteAsync<IStorageBackend, StoragePool>(call, (service, token) => service.ListPoolsAsync(token)), new ApiParameter("backend", "Only this backend."));
        routes.Work("POST", "/storage/{backend}/pools", "createPool", "Creates a pool.", Of<StoragePoolSpec>(), CreatePoolAsync);
        routes.Get(Pool, "listVolumes", "Lists the volumes of a pool, page by page.", PageOf(Of<Volume>()), ListAsync, new ApiParameter("limit", "The most volumes on a page, 1 to 1000. Default 100.", "integer"), new ApiParameter("continuation", "Where the page before ended, as it said."));
        routes.Work("POST", Pool, "createVolume", "Creates a blank volume. The pool is the one in the path.", Of<VolumeSpec>(), CreateAsync);
        routes.Get(One, "getVolume", "Gets one volume. The ETag is its revision, for If-Match.", Of<Volume>(), GetAsync);
        routes.Work("DELETE", One, "deleteVolume", "Deletes a volume.", null, call => call.AnswerAsync(async request => await (await StorageAsync(call).ConfigureAwait(false)).DeleteAsync(Volume(call), request, call.Aborted).ConfigureAwait(false)));
        routes.Work("POST", One + "/resize", "resizeVolume", "Makes a volume larger.", Of<ResizeRequest>(), ResizeAsync);
        routes.Work("POST", One + "/clone", "cloneVolume", "Makes a volume with the content of this one.", Object(("target", Of<VolumeSpec>(), true), ("mode", Of<CloneMode>(), false)), CloneAsync);
        routes.Work("POST", One + "/flatten", "flattenVolume", "Makes a linked clone independent of what it was cloned from.", null, call => InstanceRoutes.Feature<IVolumeFlattening, Volume>(call, (service, request) => service.FlattenAsync(Volume(call), request, call.Aborted)));
        routes.Raw("GET", One + "/content", "downloadVolume", "The content of a volume, streamed.", "application/octet-stream", async call => await call.SendStreamAsync(await (await call.GetServiceAsync<IVolumeContent>().ConfigureAwait(false)).DownloadAsync(Volume(call), cancellationToken: call.Aborted).ConfigureAwait(false), "application/octet-stream").ConfigureAwait(false));
        routes.Upload(Pool + "/{name}", "uploadVolume", "Makes a volume from the body, which is streamed. Content-Digest (RFC 9530, sha-256) is checked.", Of<Volume>(), UploadAsync,
            new ApiParameter("format", "The format of the body: stated, never guessed. Required."), new ApiParameter("size", "The virtual size. Default: the length of the body."));
    }

    private static Task<IStorageBackend> StorageAsync(ApiCall call) => call.GetServiceAsync<IStorageBackend>();

    private static VolumeId Volume(ApiCall call) => call.Route<VolumeId>("id");

    private static async Task CreatePoolAsync(ApiCall call)
    {
        var spec = await call.ReadAsync<StoragePoolSpec>().ConfigureAwait(false);
        await InstanceRoutes.Feature<IStoragePools, StoragePool>(call, (service, request) => service.CreatePoolAsync(spec, request, call.Aborted)).ConfigureAwait(false);
    }

    private static async Task ListAsync(ApiCall call)
    {
        var storage = await StorageAsync(call).ConfigureAwait(false);
        var page = await storage.ListVolumes(call.Route<PoolName>("pool")).GetPageAsync(call.QueryText("continuation"), call.QueryCount("limit", 1, 1000, 100), call.Aborted).ConfigureAwait(false);
        await call.WriteListAsync(page.Items, page.Continuation, [.. page.Unreachable.Select(failure => Unreachable.Backend(call.Backend, failure))]).ConfigureAwait(false);
    }

    private static async Task GetAsync(ApiCall call)
    {
        var storage = await StorageAsync(call).ConfigureAwait(false);
        var volume = await storage.FindAsync(Volume(call), call.Aborted).ConfigureAwait(false)
            ?? throw new HypervisorException($"There is no volume '{Volume(call)}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = call.Backend, Resource = $"volume {Volume(call)}" };
        call.Http.Response.Headers.ETag = EntityTag.Write(volume.Revision);
        await call.WriteAsync(volume).ConfigureAwait(false);
    }

    private static async Task CreateAsync(ApiCall call)
    {
        var spec = await ReadSpecAsync(call).ConfigureAwait(false);
        await InstanceRoutes.Feature<IStorageBackend, Volume>(call, (service, request) => service.CreateAsync(spec, request, call.Aborted)).ConfigureAwait(false);
    }

    /// <summary>The pool is in the path: the body may leave it out, and must not name another.</summary>
    private static async Task<VolumeSpec> ReadSpecAsync(ApiCall call)
    {
        string pool = call.Route<PoolName>("pool").ToString();
        byte[] body = await RequestBody.BufferAsync(call.Http.Request, call.Services.Options.MaxBodyBytes).ConfigureAwait(false);
        try
        {
            if (body.Length > 0 && JsonNode.Parse(body, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) is JsonObject fields && !fields.ContainsKey("pool"))
            {
                fields["pool"] = pool;
                body = System.Text.Encoding.UTF8.GetBytes(fields.ToJsonString());
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // Not JSON, or a name in it is half a character: the strict reading below says where.
        }

        var spec = RequestBody.Parse(body, call.Services.Json.Strict<VolumeSpec>());
        return spec.Pool.ToString() == pool ? spec : throw RequestRefusedException.Field("pool", $"The field 'pool' is '{spec.Pool}', and the pool in the path is '{pool}'.");
    }

    private static async Task ResizeAsync(ApiCall call)
    {
        var body = await call.ReadAsync<ResizeRequest>().ConfigureAwait(false);
        await InstanceRoutes.Feature<IStorageBackend, Volume>(call, (service, request) => service.ResizeAsync(Volume(call), body.Size, request, call.Aborted)).ConfigureAwait(false);
    }

    private static async Task CloneAsync(ApiCall call)
    {
        var body = await call.ReadAsync<VolumeCloneRequest>().ConfigureAwait(false);
        await InstanceRoutes.Feature<IStorageBackend, Volume>(call, (service, request) => service.CloneAsync(Volume(call), body.Target, body.Mode ?? CloneMode.Full, request, call.Aborted)).ConfigureAwait(false);
    }

    private static async Task UploadAsync(ApiCall call)
    {
        // Streamed, so without the server's limit; what the pool takes is the pool's to say.
        if (call.Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        string format = call.QueryText("format") ?? throw RequestRefusedException.Field("format", "The query parameter 'format' is missing: the format of a volume is stated, never guessed.");
        long? length = call.Http.Request.ContentLength;
        var size = call.Query<ByteSize>("size") ?? new ByteSize(length ?? throw RequestRefusedException.Field("size", "The query parameter 'size' is missing, and the body does not say its length."));
        var spec = new VolumeSpec { Pool = call.Route<PoolName>("pool"), Name = call.RouteText("name"), Size = size, Format = format };
        var options = new VolumeUploadOptions { Format = format, Length = length, Sha256 = ContentDigest.Read(call.Http.Request.Headers["Content-Digest"]) };
        var content = await call.GetServiceAsync<IVolumeContent>().ConfigureAwait(false);
        await call.WriteAsync(await content.UploadAsync(spec, call.Http.Request.Body, options, call.ReadRequest(), call.Aborted).ConfigureAwait(false), StatusCodes.Status201Created).ConfigureAwait(false);
    }
}
