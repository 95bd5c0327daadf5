using System.Collections.Concurrent;
using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Hosts;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Remote;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>This backend, as the other side of moves with backends of other processes: answers what they call on their channels.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MigrationServer(QemuServices services, LocalMigrationPeer peer, Action settle) : IBackendChannels, IAsyncDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentDictionary<Task, bool> _served = [];

    public async Task<BackendChannel> OpenAsync(string name, ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_closing.IsCancellationRequested, typeof(QemuBackend));
        switch (name)
        {
            case MigrationWords.Calls:
                var (own, other) = BackendChannel.CreatePair();
                Keep(Task.Run(() => ServeAsync(own), CancellationToken.None));
                return other;
            case MigrationWords.Bytes:
                var socket = await ConnectAsync(greeting, cancellationToken).ConfigureAwait(false);
                var (end, start) = BackendChannel.CreatePair();
                Keep(Task.Run(() => MigrationPipe.CarryAsync(new ChannelPipe(end), socket, _closing.Token), CancellationToken.None));
                return start;
            default:
                throw new HypervisorException($"'{services.Name}' has no channel '{name}': both ends must be of the same release.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        // What one ended with was said to its caller.
        await Task.WhenAll(_served.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closing.Dispose();
    }

    private void Keep(Task task)
    {
        _served[task] = true;
        _ = task.ContinueWith(ended => _served.TryRemove(ended, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Only a machine that is coming has sockets for others.</summary>
    private async Task<MigrationPipe> ConnectAsync(ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken)
    {
        MigrationSocket? socket = null;
        try
        {
            socket = JsonSerializer.Deserialize(greeting.Span, MigrationJson.Default.MigrationSocket);
        }
        catch (JsonException)
        {
            // As one that names nothing.
        }

        if (socket is not { Name: MigrationRelay.SocketName or MigrationStorage.SocketName } || !MachineIds.IsValid(socket.Id) || services.State.ReadConfig(socket.Id)?.Incoming is null)
            throw new HypervisorException($"There is no machine at '{services.Name}' that is coming by that way.", ErrorCode.NotFound, RequestOutcome.Rejected);
        return await LocalMigrationTarget.ConnectAsync(services, socket.Id, socket.Name, cancellationToken).ConfigureAwait(false);
    }

    private async Task ServeAsync(BackendChannel channel)
    {
        LocalMigrationTarget? held = null;
        await using (channel.ConfigureAwait(false))
        {
            try
            {
                var frames = new MigrationFrames(channel);
                var next = frames.ReadAsync(MigrationJson.Default.MigrationCall, _closing.Token);
                while (await next.ConfigureAwait(false) is { } call)
                {
                    next = frames.ReadAsync(MigrationJson.Default.MigrationCall, _closing.Token);
                    // One that came too late.
                    if (call.Word == MigrationWords.Cancel)
                        continue;
                    using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
                    var answering = ReplyAsync(call, held, cancelling.Token);
                    // Whoever calls says nothing meanwhile but that he waits no more; and says that too by his end.
                    if (await Task.WhenAny(answering, next).ConfigureAwait(false) == next)
                    {
                        await cancelling.CancelAsync().ConfigureAwait(false);
                        if (next is { IsCompletedSuccessfully: true, Result.Word: MigrationWords.Cancel })
                            next = frames.ReadAsync(MigrationJson.Default.MigrationCall, _closing.Token);
                    }

                    (var reply, held) = await answering.ConfigureAwait(false);
                    if (!await frames.TryWriteAsync(reply, MigrationJson.Default.MigrationReply).ConfigureAwait(false))
                        break;
                }
            }
            catch (OperationCanceledException)
            {
                // This backend is being closed.
            }
            finally
            {
                if (held is not null)
                    await held.DisposeAsync().ConfigureAwait(false);
            }
        }

        if (held is null)
            return;
        // What it has left is found out about: at once where nothing has to be asked, and else until it is known.
        try
        {
            await peer.FindWaitingAsync(held.Id, "", _closing.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException)
        {
            // Whoever looks at it next sees the same.
        }

        settle();
    }

    private async Task<(MigrationReply Reply, LocalMigrationTarget? Held)> ReplyAsync(MigrationCall call, LocalMigrationTarget? held, CancellationToken cancellationToken)
    {
        try
        {
            if (call.Id is { } id && !MachineIds.IsValid(id))
                throw new HypervisorException("That is no id of a machine.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
            if (call.Word == MigrationWords.Hold && held is null)
                return (new MigrationReply(), await peer.HoldHereAsync(Required(call.Id), cancellationToken).ConfigureAwait(false));
            return (held is null ? await AnswerAsync(call, cancellationToken).ConfigureAwait(false) : await AnswerAsync(call, held, cancellationToken).ConfigureAwait(false), held);
        }
        catch (HypervisorException error)
        {
            return (new MigrationReply { Error = JournalError.Of(error) }, held);
        }
        catch (OperationCanceledException)
        {
            return (new MigrationReply { IsCancelled = true }, held);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return (new MigrationReply { Error = JournalError.Of(new HypervisorException(error.Message, ErrorCode.Unspecified, RequestOutcome.FailedMidway, error)) }, held);
        }
    }

    /// <summary>What is asked of the backend.</summary>
    private async Task<MigrationReply> AnswerAsync(MigrationCall call, CancellationToken cancellationToken) => call.Word switch
    {
        MigrationWords.Ask => new MigrationReply { Answer = await AskAsync(Required(call.Question), cancellationToken).ConfigureAwait(false) with { Identity = services.State.Identity() } },
        MigrationWords.FindWaiting => new MigrationReply { Migration = await peer.FindWaitingAsync(Required(call.Id), Required(call.Identity), cancellationToken).ConfigureAwait(false) },
        MigrationWords.Settle => new MigrationReply { Standing = await peer.SettleAsync(Required(call.Id), Required(call.Verdict), cancellationToken).ConfigureAwait(false) },
        MigrationWords.Judge => new MigrationReply { Verdict = await peer.JudgeAsync(Required(call.Id), Required(call.Migration), Required(call.Identity), cancellationToken).ConfigureAwait(false) },
        MigrationWords.GiveBack => new MigrationReply { Flag = await peer.TryGiveBackAsync(Required(call.Id), Required(call.Migration), Required(call.Identity), cancellationToken).ConfigureAwait(false) },
        _ => throw Unknown(call),
    };

    /// <summary>Nothing is started, not even to ask it, of what is not known here.</summary>
    private async Task<MigrationAnswer> AskAsync(MigrationQuestion question, CancellationToken cancellationToken)
    {
        var foreign = MigrationObstacles.Foreign(services, question.Config).ToList();
        return foreign.Count > 0 ? new MigrationAnswer { Obstacles = foreign, PostCopyObstacles = foreign } : await peer.AskAsync(question, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What is asked of the machine that is held.</summary>
    private async Task<MigrationReply> AnswerAsync(MigrationCall call, LocalMigrationTarget held, CancellationToken cancellationToken)
    {
        switch (call.Word)
        {
            case MigrationWords.Prepare:
                var arrival = Required(call.Arrival);
                if (arrival.Config.Id != held.Id || arrival.Config.Incoming is not { SourceState: null, Source: { } source, SourceIdentity: not null })
                    throw new HypervisorException("The machine does not say by which move it comes, and from where.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
                await peer.RequireOrdinaryAsync(arrival.Config, source, cancellationToken).ConfigureAwait(false);
                return new MigrationReply { Way = await held.PrepareAsync(arrival, cancellationToken).ConfigureAwait(false) };
            case MigrationWords.IsComing:
                return new MigrationReply { Flag = await held.IsComingAsync(Required(call.Migration), cancellationToken).ConfigureAwait(false) };
            case MigrationWords.ListenForDisks:
                return new MigrationReply { DiskWay = await held.ListenForDisksAsync(cancellationToken).ConfigureAwait(false) };
            case MigrationWords.CloseDisks:
                await held.CloseDisksAsync(cancellationToken).ConfigureAwait(false);
                return new MigrationReply();
            case MigrationWords.Listen:
                return new MigrationReply { Text = await held.ListenAsync(call.Flag, cancellationToken).ConfigureAwait(false) };
            case MigrationWords.ListenAgain:
                return new MigrationReply { Text = await held.ListenAgainAsync(call.Text, cancellationToken).ConfigureAwait(false) };
            case MigrationWords.HasCome:
                return new MigrationReply { Flag = await held.HasComeAsync(cancellationToken).ConfigureAwait(false) };
            case MigrationWords.IsUp:
                return new MigrationReply { Flag = await held.IsUpAsync(cancellationToken).ConfigureAwait(false) };
            case MigrationWords.Await:
                await held.AwaitAsync(call.Flag, cancellationToken).ConfigureAwait(false);
                return new MigrationReply();
            case MigrationWords.AwaitRest:
                return new MigrationReply { Flag = await held.AwaitRestAsync(call.Flag, cancellationToken).ConfigureAwait(false) };
            case MigrationWords.LetGo:
                var failure = await held.LetGoAsync().ConfigureAwait(false);
                return failure is null ? new MigrationReply() : new MigrationReply { Failure = JournalError.Of(failure.Error), Flag = failure.NeverRan };
            case MigrationWords.Kill:
                await held.KillAsync().ConfigureAwait(false);
                return new MigrationReply();
            case MigrationWords.Take:
                await held.TakeAsync(call.Flag).ConfigureAwait(false);
                return new MigrationReply();
            case MigrationWords.View:
                return new MigrationReply { Instance = QemuHostConnector.Json.Write(await held.ViewAsync().ConfigureAwait(false)) };
            case MigrationWords.Drop:
                await held.DropAsync(Required(call.Reason).ToException()).ConfigureAwait(false);
                return new MigrationReply();
            default:
                throw Unknown(call);
        }
    }

    private static T Required<T>(T? value)
        where T : class => value ?? throw new HypervisorException("What the call is about is missing.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);

    private static Guid Required(Guid? value) => value ?? throw new HypervisorException("What the call is about is missing.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);

    private static HypervisorException Unknown(MigrationCall call) => new($"There is nothing here that answers '{call.Word}'.", ErrorCode.Unsupported, RequestOutcome.Rejected);
}
