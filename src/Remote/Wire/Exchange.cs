namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>One call, as each end has it from its begin to its end.</summary>
#pragma warning disable CA1001 // The source has no timer and no wait handle, and whoever still has the call may ask it.
internal sealed class Exchange(Peer peer, string name, bool isOpen, ReadOnlyMemory<byte> arguments)
{
#pragma warning restore CA1001
    private readonly TaskCompletionSource<byte[]> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<byte[]> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _cancelled = new();
    private int _isCancelSent;

    public Peer Peer => peer;

    /// <summary>Its number; at who called given when it is sent.</summary>
    public ulong Id { get; set; }

    public string Name => name;

    /// <summary>Whether it carries data.</summary>
    public bool IsOpen => isOpen;

    public ReadOnlyMemory<byte> Arguments => arguments;

    /// <summary>What has arrived.</summary>
    public Inbox Inbox { get; } = new();

    /// <summary>What may be sent.</summary>
    public CreditWindow Window { get; } = new();

    /// <summary>At who called: whether anything of it may have reached the other end.</summary>
    public bool IsSent { get; set; }

    /// <summary>At who called: the answer, or that it is open. Fails with a <see cref="WireErrorException"/> or a <see cref="PeerLostException"/>.</summary>
    public Task<byte[]> Answered => _answered.Task;

    /// <summary>At who called: that it is over, and what it led to. Fails as <see cref="Answered"/> does.</summary>
    public Task<byte[]> Ended => _ended.Task;

    /// <summary>At who was called: cancelled when the caller wants it no more, or is gone.</summary>
    public CancellationToken Token => _cancelled.Token;

    /// <summary>At who was called: whether it was said that it is open.</summary>
    public bool IsOpened { get; private set; }

    /// <summary>At who was called: what other calls may be about that name this one.</summary>
    public object? Subject { get; private set; }

    /// <summary>At who called: who is told of the progress.</summary>
    public IProgress<TransferProgress>? Progress { get; set; }

    /// <summary>Says that it is open.</summary>
    /// <param name="result">What the caller is told, as values.</param>
    /// <param name="subject">What calls that name this one are about.</param>
    public ValueTask OpenedAsync(ReadOnlyMemory<byte> result, object? subject = null)
    {
        Subject = subject;
        IsOpened = true;
        return peer.SendAsync(FrameKind.Result, Id, result, CancellationToken.None);
    }

    /// <summary>Sends data when there is credit for it.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (data.IsEmpty)
            return;
        await Window.TakeAsync(data.Length, cancellationToken).ConfigureAwait(false);
        await peer.SendAsync(FrameKind.Data, Id, data, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Sends bytes, in as many frames as they take.</summary>
    public async ValueTask SendBytesAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        for (int at = 0; at < bytes.Length; at += WireProtocol.ChunkBytes)
            await SendAsync(bytes.Slice(at, Math.Min(WireProtocol.ChunkBytes, bytes.Length - at)), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes the next message, and gives credit for what was taken; null at the end.</summary>
    public async ValueTask<byte[]?> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (Inbox.TakeCredit() is > 0 and uint credit)
            await peer.SendCreditAsync(Id, credit).ConfigureAwait(false);
        return await Inbox.TakeAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>At who called: says that no more data comes.</summary>
    public ValueTask EndInputAsync() => peer.SendAsync(FrameKind.End, Id, default, CancellationToken.None);

    /// <summary>At who called: whether it was said that it is wanted no more.</summary>
    public bool IsCancelSent => Volatile.Read(ref _isCancelSent) != 0;

    /// <summary>At who called: says, once, that it is wanted no more.</summary>
    public void Cancel()
    {
        if (!_ended.Task.IsCompleted && Interlocked.Exchange(ref _isCancelSent, 1) == 0)
            peer.Post(FrameKind.Cancel, Id);
    }

    /// <summary>At who called: the other end has answered.</summary>
    public void Answer(byte[] payload)
    {
        if (!_answered.TrySetResult(payload))
            throw new WireException($"The call '{name}' was answered twice.");
        if (!isOpen)
            _ended.TrySetResult(payload);
    }

    /// <summary>At who called: the other end has ended it.</summary>
    public void End(byte[] payload)
    {
        if (!isOpen || !_answered.Task.IsCompleted)
            throw new WireException($"The call '{name}' was ended and is not open.");
        Inbox.End();
        _ended.TrySetResult(payload);
    }

    /// <summary>It failed, or the other end is gone.</summary>
    public void Fail(Exception failure)
    {
        Inbox.End(failure);
        foreach (var source in (ReadOnlySpan<TaskCompletionSource<byte[]>>)[_answered, _ended])
        {
            // Nobody may be waiting for it any more.
            if (source.TrySetException(failure))
                _ = source.Task.Exception;
        }
    }

    /// <summary>At who was called: the caller wants it no more.</summary>
    public void Cancelled() => _cancelled.CancelAsync().ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
