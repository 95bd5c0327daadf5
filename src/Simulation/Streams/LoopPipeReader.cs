using System.Buffers;
using System.IO.Pipelines;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Streams;

/// <summary>What the loop says to a reader outside or within. Reading moves time on while <c>isBusy</c> says that more may come by itself.</summary>
internal sealed class LoopPipeReader(World world, int maxUnreadBytes, Func<bool> isBusy) : PipeReader
{
    private readonly object _gate = new();
    private byte[] _unread = [];
    private bool _isExamined;
    private bool _isEnded;
    private bool _isCancelled;
    private bool _isCompleted;
    private Exception? _failure;
    private TaskCompletionSource? _arrived;

    /// <summary>Takes bytes; false when there is no room, and they are lost.</summary>
    public bool Append(ReadOnlySpan<byte> bytes)
    {
        TaskCompletionSource? arrived;
        lock (_gate)
        {
            if (_isEnded || _isCompleted || _unread.Length + bytes.Length > maxUnreadBytes)
                return false;
            byte[] joined = new byte[_unread.Length + bytes.Length];
            _unread.CopyTo(joined, 0);
            bytes.CopyTo(joined.AsSpan(_unread.Length));
            _unread = joined;
            _isExamined = false;
            arrived = Interlocked.Exchange(ref _arrived, null);
        }

        arrived?.TrySetResult();
        return true;
    }

    /// <summary>Nothing follows what was appended.</summary>
    public void End(Exception? failure = null)
    {
        TaskCompletionSource? arrived;
        lock (_gate)
        {
            _isEnded = true;
            _failure ??= failure;
            arrived = Interlocked.Exchange(ref _arrived, null);
        }

        arrived?.TrySetResult();
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isCompleted, this);
            bool isNews = _unread.Length > 0 && !_isExamined;
            if (!isNews && !_isEnded && !_isCancelled)
            {
                result = default;
                return false;
            }

            if (_isEnded && !isNews && _failure is not null)
                throw _failure;
            result = new ReadResult(new ReadOnlySequence<byte>(_unread), _isCancelled, _isEnded);
            _isCancelled = false;
            return true;
        }
    }

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task arrived;
            lock (_gate)
            {
                // Looked at within the lock: nothing can arrive unseen.
                if (TryRead(out var result))
                    return result;
                arrived = (_arrived ??= new TaskCompletionSource(world.Loop.IsCurrent ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await world.WaitOutsideAsync(arrived, cancellationToken, isBusy).ConfigureAwait(false);
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_gate)
        {
            // Positions are within the array that was handed out; what arrived since is behind it in the one that replaced it.
            int count = consumed.GetObject() is null ? 0 : consumed.GetInteger(), seen = examined.GetObject() is null ? 0 : examined.GetInteger();
            bool isAllSeen = examined.GetObject() is byte[] handed && ReferenceEquals(handed, _unread) && seen == _unread.Length;
            _unread = _unread[count..];
            _isExamined = isAllSeen;
        }
    }

    public override void CancelPendingRead()
    {
        TaskCompletionSource? arrived;
        lock (_gate)
        {
            _isCancelled = true;
            arrived = Interlocked.Exchange(ref _arrived, null);
        }

        arrived?.TrySetResult();
    }

    public override void Complete(Exception? exception = null)
    {
        lock (_gate)
        {
            _isCompleted = true;
            _unread = [];
        }
    }
}
