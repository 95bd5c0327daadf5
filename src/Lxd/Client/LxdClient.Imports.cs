using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd;

/// <content>What the definitions of the API leave out: a backup that is sent in the place of a document.</content>
public sealed partial class LxdClient
{
    /// <summary><c>POST /1.0/storage-pools/{poolName}/volumes/{type}</c> with a backup: makes a volume of it. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>: <c>custom</c>.</param>
    /// <param name="backup">The archive, as <see cref="StoragePoolVolumesTypeBackupExportGetAsync"/> gave it.</param>
    /// <param name="volumeName">What the volume is to be called.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <remarks>API extension <c>custom_volume_backup</c>; the name is the header <c>X-LXD-name</c> or <c>X-Incus-name</c>.</remarks>
    public async Task<LxdOperation> StoragePoolVolumesTypePostAsync(string poolName, string type, HttpRequestBody backup, string volumeName, LxdCall? call = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentException.ThrowIfNullOrEmpty(volumeName);
        if (!Offers("custom_volume_backup"))
            throw new HypervisorException($"The backup was not sent: the server at {Endpoint} does not have the API extension 'custom_volume_backup'.", ErrorCode.Unsupported, RequestOutcome.NotSent);
        HttpHeader[] named = [new HttpHeader(IsIncus ? "X-Incus-name" : "X-LXD-name", volumeName)];
        return await SendOrBeginAsync(LxdApi.StoragePoolVolumesTypePost, Path($"/1.0/storage-pools/{poolName}/volumes/{type}"), null, call, backup, cancellationToken, s_unlimited, named).ConfigureAwait(false)
            ?? new LxdOperation { Status = "Success", StatusCode = Succeeded };
    }

    /// <summary><see cref="ImagesPostAsync(HttpRequestBody, LxdCall?, CancellationToken)"/>, however long it takes to send the image and to look at it.</summary>
    internal async Task<LxdOperation> SendImageAsync(HttpRequestBody image, LxdCall call, CancellationToken cancellationToken) =>
        await SendOrBeginAsync(LxdApi.ImagesPost, Path($"/1.0/images"), null, call, image, cancellationToken, s_unlimited).ConfigureAwait(false) ?? new LxdOperation { Status = "Success", StatusCode = Succeeded };

    /// <summary>Waits for the end of what goes on in the background; what was done at once has ended.</summary>
    internal async Task EndAsync(LxdOperation begun, string what, CancellationToken cancellationToken)
    {
        if (begun.Id is { Length: > 0 } id)
            await WaitAsync(id, what, cancellationToken).ConfigureAwait(false);
    }
}
