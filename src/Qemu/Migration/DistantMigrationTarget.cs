using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Hosts;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Remote;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>The target's side of a move in another process, which holds the machine's lock there while the channel is open. One call after the other.</summary>
[SupportedOSPlatform("linux")]
internal sealed class DistantMigrationTarget(string name, string id, IBackendChannels channels, BackendChannel channel, TimeProvider time) : IMigrationTarget
{
    /// <summary>How long an answer may take to a call that is not to be given up, or to one that was: nothing of it takes long over there, so that a way on which nothing comes any more is lost.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly MigrationFrames _frames = new(channel);
    private volatile bool _isLost;

    public bool IsLost => _isLost;

    public static HypervisorException Broken(string name) => new BackendProtocolException($"What '{name}' says of the move cannot be understood.", ErrorCode.Unspecified, RequestOutcome.Unknown);

    public async Task<MigrationWay> PrepareAsync(MigrationArrival arrival, CancellationToken cancellationToken) =>
        (await CallAsync(new MigrationCall { Word = MigrationWords.Prepare, Arrival = arrival }, cancellationToken).ConfigureAwait(false)).Way ?? throw Broken(name);

    public async Task<bool> IsComingAsync(Guid migration, CancellationToken cancellationToken) => (await CallAsync(new MigrationCall { Word = MigrationWords.IsComing, Migration = migration }, cancellationToken).ConfigureAwait(false)).Flag;

    public async Task<MigrationDiskWay> ListenForDisksAsync(CancellationToken cancellationToken) => (await CallAsync(MigrationWords.ListenForDisks, cancellationToken).ConfigureAwait(false)).DiskWay ?? throw Broken(name);

    public Task CloseDisksAsync(CancellationToken cancellationToken) => CallAsync(MigrationWords.CloseDisks, cancellationToken);

    public async Task<string> ListenAsync(bool isPostCopy, CancellationToken cancellationToken) =>
        (await CallAsync(new MigrationCall { Word = MigrationWords.Listen, Flag = isPostCopy }, cancellationToken).ConfigureAwait(false)).Text ?? throw Broken(name);

    public async Task<string> ListenAgainAsync(string? listening, CancellationToken cancellationToken) =>
        (await CallAsync(new MigrationCall { Word = MigrationWords.ListenAgain, Text = listening }, cancellationToken).ConfigureAwait(false)).Text ?? throw Broken(name);

    public async Task<MigrationPipe> ConnectAsync(string socketName, CancellationToken cancellationToken)
    {
        byte[] greeting = JsonSerializer.SerializeToUtf8Bytes(new MigrationSocket { Id = id, Name = socketName }, MigrationJson.Default.MigrationSocket);
        return new ChannelPipe(await channels.OpenAsync(MigrationWords.Bytes, greeting, cancellationToken).ConfigureAwait(false));
    }

    public async Task<bool> HasComeAsync(CancellationToken cancellationToken) => (await CallAsync(MigrationWords.HasCome, cancellationToken).ConfigureAwait(false)).Flag;

    public async Task<bool> IsUpAsync(CancellationToken cancellationToken) => (await CallAsync(MigrationWords.IsUp, cancellationToken).ConfigureAwait(false)).Flag;

    public Task AwaitAsync(bool isSenderGone, CancellationToken cancellationToken) => CallAsync(new MigrationCall { Word = MigrationWords.Await, Flag = isSenderGone }, cancellationToken);

    public async Task<bool> AwaitRestAsync(bool isSenderGone, CancellationToken cancellationToken) => (await CallAsync(new MigrationCall { Word = MigrationWords.AwaitRest, Flag = isSenderGone }, cancellationToken).ConfigureAwait(false)).Flag;

    public async Task<MigrationFailure?> LetGoAsync()
    {
        var reply = await CallAsync(MigrationWords.LetGo, CancellationToken.None).ConfigureAwait(false);
        return reply.Failure is { } failure ? new MigrationFailure(failure.ToException(), NeverRan: reply.Flag) : null;
    }

    public Task KillAsync() => CallAsync(MigrationWords.Kill, CancellationToken.None);

    public Task TakeAsync(bool isUp) => CallAsync(new MigrationCall { Word = MigrationWords.Take, Flag = isUp }, CancellationToken.None);

    public async Task<Instance> ViewAsync()
    {
        var reply = await CallAsync(MigrationWords.View, CancellationToken.None).ConfigureAwait(false);
        try
        {
            return QemuHostConnector.Json.Read<Instance>(reply.Instance);
        }
        catch (JsonException)
        {
            throw Broken(name);
        }
    }

    public Task DropAsync(HypervisorException reason) => CallAsync(new MigrationCall { Word = MigrationWords.Drop, Reason = JournalError.Of(reason) }, CancellationToken.None);

    public ValueTask DisposeAsync() => channel.DisposeAsync();

    /// <summary>Calls, and waits for the answer. A call that is cancelled is waited for too: what it does over there has ended then.</summary>
    /// <exception cref="HypervisorException">What it failed with; or the way is lost (<see cref="IsLost"/>), and what it did is not known.</exception>
    public async Task<MigrationReply> CallAsync(MigrationCall call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_isLost || !await _frames.TryWriteAsync(call, MigrationJson.Default.MigrationCall).ConfigureAwait(false))
            throw Lost(call);
        var answering = _frames.ReadAsync(MigrationJson.Default.MigrationReply, CancellationToken.None);
        try
        {
            if (cancellationToken.CanBeCanceled)
                await ((Task)answering).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (!await _frames.TryWriteAsync(new MigrationCall { Word = MigrationWords.Cancel }, MigrationJson.Default.MigrationCall).ConfigureAwait(false))
                throw Lost(call);
        }

        try
        {
            await ((Task)answering).WaitAsync(s_patience, time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What it still says is heard by nobody, and the machine is not held any more.
            throw Lost(call);
        }

        var reply = await answering.ConfigureAwait(false) ?? throw Lost(call);
        if (reply.IsCancelled)
            throw new OperationCanceledException(cancellationToken);
        return reply.Error is { } error ? throw error.ToException() : reply;
    }

    private Task<MigrationReply> CallAsync(string word, CancellationToken cancellationToken) => CallAsync(new MigrationCall { Word = word }, cancellationToken);

    private BackendConnectionException Lost(MigrationCall call)
    {
        _isLost = true;
        return new BackendConnectionException($"The way to '{name}' was lost before it answered '{call.Word}'.", ErrorCode.Unavailable, RequestOutcome.Unknown);
    }
}
