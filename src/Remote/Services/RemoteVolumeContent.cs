using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IVolumeContent"/> over there: the content goes with the call, and progress comes by calls of the other end.</summary>
internal sealed class RemoteVolumeContent(RemoteCalls calls) : IVolumeContent
{
    public async Task<Volume> UploadAsync(VolumeSpec spec, Stream content, VolumeUploadOptions options, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(options);
        var call = calls.Change("volumeContent.upload").With(spec).With(options.Format).With(options.Length).With(options.Sha256).With(options.Progress is not null).With(request);
        var end = await RemoteUpload.SendAsync(call, content, options.Progress, cancellationToken).ConfigureAwait(false);
        return end?.Find<Volume>() ?? throw new BackendProtocolException("An upload has ended, and the volume is missing.", ErrorCode.Unspecified, RequestOutcome.Unknown) { Backend = calls.Backend };
    }

    public async Task<Stream> DownloadAsync(VolumeId id, IProgress<TransferProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var session = await calls.Ask("volumeContent.download").With(id).With(progress is not null).OpenAsync(cancellationToken, progress).ConfigureAwait(false);
        return new MessageStream(session.ReceiveAsync, session.DisposeAsync);
    }

    public static void Serve(ServiceRoutes<IVolumeContent> routes) => routes
        .Add("upload", static async (content, call) =>
        {
            var spec = call.Next<VolumeSpec>();
            var options = new VolumeUploadOptions { Format = call.Next<string>(), Length = call.Find<long?>(), Sha256 = call.Find<ReadOnlyMemory<byte>?>(), Progress = call.Progress(call.Next<bool>()) };
            var request = call.Find<RequestOptions>();
            await call.OpenedAsync().ConfigureAwait(false);
            return call.Write().Add(await content.UploadAsync(spec, call.Content(), options, request, call.Token).ConfigureAwait(false)).ToBytes();
        })
        .Read("download", static (content, call) => content.DownloadAsync(call.Next<VolumeId>(), call.Progress(call.Next<bool>()), call.Token));
}
