using System.Globalization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using static Hypervisor.Sdk.AspNetCore.ApiSchema;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Files in guests. The path is a query parameter: it is the guest's, and begins with a slash.</summary>
internal static class FileRoutes
{
    private const string All = "/instances/{backend}/{id}/files";
    private const string Content = All + "/content";
    private const int MaxModeDigits = 4;

    private static readonly ApiParameter s_path = new("path", "Where it is in the guest, from the root. Required.");

    public static void Map(ApiRouter routes)
    {
        routes.Get(All, "listFiles", "Lists a directory of the guest.", ListOf(Of<GuestFile>()), ListAsync, s_path);
        routes.Empty("DELETE", All, "deleteFile", "Deletes a file of the guest, or an empty directory.", DeleteAsync, s_path);
        routes.Raw("GET", Content, "downloadFile", "The content of a file of the guest, streamed.", "application/octet-stream", DownloadAsync, s_path);
        routes.Store(Content, "uploadFile", "Writes a file of the guest from the body, which is streamed, in place of the one that is there.", UploadAsync, s_path,
            new ApiParameter("userId", "Its owner's number. Default: the guest's.", "integer"), new ApiParameter("groupId", "Its group's number. Default: the guest's.", "integer"),
            new ApiParameter("mode", "Its mode in octal digits, such as 0644. Default: the guest's."));
    }

    private static Task<IGuestFiles> FilesAsync(ApiCall call) => call.GetServiceAsync<IGuestFiles>();

    private static string Path(ApiCall call) => call.QueryText("path") is not { Length: > 0 } path ? throw RequestRefusedException.Field("path", "The query parameter 'path' is missing: a path in the guest, from its root.")
        : path.Contains('\0', StringComparison.Ordinal) ? throw RequestRefusedException.Field("path", "The query parameter 'path' has a NUL character.")
        : path;

    private static async Task ListAsync(ApiCall call)
    {
        var files = new List<GuestFile>();
        await foreach (var file in (await FilesAsync(call).ConfigureAwait(false)).ListAsync(call.Instance, Path(call), call.Aborted).ConfigureAwait(false))
            files.Add(file);
        await call.WriteListAsync(files).ConfigureAwait(false);
    }

    private static async Task DownloadAsync(ApiCall call)
    {
        string path = Path(call);
        var content = await (await FilesAsync(call).ConfigureAwait(false)).OpenReadAsync(call.Instance, path, call.Aborted).ConfigureAwait(false);
        // Saved, never shown: what a guest has is not to run as a page of this site.
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(path[(path.LastIndexOf('/') + 1)..]);
        call.Http.Response.Headers.ContentDisposition = disposition.ToString();
        call.Http.Response.Headers.XContentTypeOptions = "nosniff";
        await call.SendStreamAsync(content, "application/octet-stream").ConfigureAwait(false);
    }

    private static async Task UploadAsync(ApiCall call)
    {
        var attributes = new GuestFileAttributes { UserId = Number(call, "userId"), GroupId = Number(call, "groupId"), Mode = Mode(call) };
        // Streamed, so without the server's limit; what the guest has room for is the guest's to say.
        if (call.Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        await (await FilesAsync(call).ConfigureAwait(false)).WriteAsync(call.Instance, Path(call), call.Http.Request.Body, attributes, call.Aborted).ConfigureAwait(false);
        call.Http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task DeleteAsync(ApiCall call)
    {
        await (await FilesAsync(call).ConfigureAwait(false)).DeleteAsync(call.Instance, Path(call), call.Aborted).ConfigureAwait(false);
        call.Http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static int? Number(ApiCall call, string name) => call.QueryText(name) is not { } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
        : throw RequestRefusedException.Field(name, $"The query parameter '{name}' is '{Echo.Short(text)}' and not a number.");

    private static UnixFileMode? Mode(ApiCall call) => call.QueryText("mode") is not { } text ? null
        : text.Length is > 0 and <= MaxModeDigits && !text.AsSpan().ContainsAnyExceptInRange('0', '7') ? (UnixFileMode)Convert.ToInt32(text, 8)
        : throw RequestRefusedException.Field("mode", $"The query parameter 'mode' is '{Echo.Short(text)}' and not a mode in octal digits, 0 to 7777.");
}
