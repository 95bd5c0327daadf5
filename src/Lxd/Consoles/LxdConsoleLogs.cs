using System.Buffers;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Driver;

namespace Hypervisor.Sdk.Lxd.Consoles;

/// <summary>
/// What the consoles of a server's containers have printed, as far as this process has read it. A server gives what its console has printed once; after the stop it gives what nobody had read by then, or, where that is nothing, what was given before, in
/// runs before too. So what was read is kept here, of each container for its run: at most 1 MiB, and 64 MiB of all together, of which goes first what nobody has asked for the longest.
/// </summary>
internal sealed class LxdConsoleLogs
{
    public const int MaxBytes = 1 << 20;

    private const long MaxAllBytes = 64L << 20;

    /// <summary>How often it is looked again while a container is being started or stopped.</summary>
    private const int Looks = 5;

    private readonly Lock _gate = new();
    private readonly Dictionary<InstanceId, Log> _logs = [];
    private long _uses;

    /// <summary>How many containers something is kept of.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _logs.Count;
        }
    }

    /// <summary>The end of what a container's console has printed in its run, or in its last one. Whoever cancels the wait takes nothing from those who come later.</summary>
    /// <param name="id">The container.</param>
    /// <param name="maxBytes">At most this much.</param>
    /// <param name="find">Looks at the container.</param>
    /// <param name="take">Takes what the server has, and adds it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HypervisorException">There is no such container, or the server has failed.</exception>
    public Task<byte[]> ReadAsync(InstanceId id, long maxBytes, Func<Task<ContainerFacts?>> find, Func<Piece, Task> take, CancellationToken cancellationToken) =>
        InTurnAsync(id, maxBytes, find, take).WaitAsync(cancellationToken);

    private async Task<byte[]> InTurnAsync(InstanceId id, long maxBytes, Func<Task<ContainerFacts?>> find, Func<Piece, Task> take)
    {
        var log = Enter(id);
        try
        {
            await log.Turn.WaitAsync().ConfigureAwait(false);
            try
            {
                await FetchAsync(log, id, find, take).ConfigureAwait(false);
                return log.Bytes.AsSpan((int)Math.Max(0, log.Bytes.Length - maxBytes)).ToArray();
            }
            finally
            {
                log.Turn.Release();
            }
        }
        finally
        {
            Leave(id, log);
        }
    }

    private static async Task FetchAsync(Log log, InstanceId id, Func<Task<ContainerFacts?>> find, Func<Piece, Task> take)
    {
        var before = await find().ConfigureAwait(false);
        for (int look = 1; ; look++)
        {
            if (before is null)
            {
                log.Begin(null);
                throw Refusal.NotFound(id);
            }

            log.Begin(RunOf(before));
            var piece = new Piece();
            HypervisorException? failure = null;
            try
            {
                await take(piece).ConfigureAwait(false);
            }
            catch (HypervisorException error)
            {
                // While it runs, the server gives none of it again.
                if (before.IsActive)
                    log.Add(piece, isNew: true);
                if (error is not LxdException)
                    throw;
                failure = error;
            }

            var after = await find().ConfigureAwait(false);
            bool isSame = after is not null && after.IsActive == before.IsActive && RunOf(after) == RunOf(before);
            if (failure is not null && (isSame || look == Looks))
                throw failure;
            if (after is not null && failure is null)
            {
                log.Begin(RunOf(after));
                log.Add(piece, isNew: isSame && before.IsActive);
            }

            // What it had printed when it stopped is there only now; and of what has failed in between another answer may be had.
            if (isSame || look == Looks)
                return;
            before = after;
        }
    }

    private static string RunOf(ContainerFacts facts) => $"{facts.View.Incarnation}/{facts.Run}";

    private Log Enter(InstanceId id)
    {
        lock (_gate)
        {
            if (!_logs.TryGetValue(id, out var log))
                _logs[id] = log = new Log();
            log.Users++;
            log.LastUse = ++_uses;
            return log;
        }
    }

    private void Leave(InstanceId id, Log log)
    {
        lock (_gate)
        {
            log.Users--;
            if (log is { Users: 0, Bytes.Length: 0 })
                _logs.Remove(id);
            for (long all = _logs.Values.Sum(kept => (long)kept.Bytes.Length); all > MaxAllBytes;)
            {
                var oldest = _logs.Where(kept => kept.Value.Users == 0).OrderBy(kept => kept.Value.LastUse).FirstOrDefault();
                if (oldest.Value is null)
                    break;
                all -= oldest.Value.Bytes.Length;
                _logs.Remove(oldest.Key);
            }
        }
    }

    /// <summary>What the server has given at once.</summary>
    internal sealed class Piece
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        /// <summary>At most as much as is kept, from the end.</summary>
        public ReadOnlySpan<byte> End => _bytes.WrittenSpan[Math.Max(0, _bytes.WrittenCount - MaxBytes)..];

        public void Append(ReadOnlySpan<byte> bytes)
        {
            if (_bytes.WrittenCount + bytes.Length > 2 * MaxBytes)
            {
                byte[] end = End.ToArray();
                _bytes.ResetWrittenCount();
                _bytes.Write(end);
            }

            _bytes.Write(bytes);
        }
    }

    /// <summary>What is kept of one container.</summary>
    private sealed class Log
    {
        private string? _run;

        public SemaphoreSlim Turn { get; } = new(1, 1);

        public byte[] Bytes { get; private set; } = [];

        /// <summary>How many read it, or wait for it.</summary>
        public int Users { get; set; }

        public long LastUse { get; set; }

        /// <summary>Another run begins with nothing.</summary>
        public void Begin(string? run)
        {
            if (_run != run)
                (_run, Bytes) = (run, []);
        }

        /// <param name="piece">What the server has given.</param>
        /// <param name="isNew">Whether it was printed since the last piece; otherwise it may be what was given before.</param>
        public void Add(Piece piece, bool isNew)
        {
            var end = piece.End;
            if (end.IsEmpty || (!isNew && Bytes.Length > 0 && (end.EndsWith(Bytes) || Bytes.AsSpan().EndsWith(end))))
                return;
            int kept = Math.Min(Bytes.Length, MaxBytes - end.Length);
            Bytes = [.. Bytes.AsSpan(Bytes.Length - kept), .. end];
        }
    }
}
