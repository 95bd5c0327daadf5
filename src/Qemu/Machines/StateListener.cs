using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Hears what other processes do to machines. Every change is made under a machine's lock, whose file is touched when it is given back; who watches a QEMU writes its state into <c>locks/ID.watch</c>. So one directory is listened
/// to, and the machine is looked at again. What comes in a burst is looked at once.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class StateListener : IAsyncDisposable
{
    private const string WatchSuffix = ".watch";

    private static readonly TimeSpan s_burst = TimeSpan.FromMilliseconds(10);

    /// <summary>After how long a machine is looked at again that was being changed.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(200);

    private readonly QemuServices _services;
    private readonly MachineTable _table;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _heard = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly CancellationTokenSource _closing = new();
    private readonly IDisposable _watch;
    private readonly Task _loop;
    private bool _isLost;
    private bool _isClosed;

    public StateListener(QemuServices services, MachineTable table)
    {
        _services = services;
        _table = table;
        _watch = DirectoryWatch.Begin(Path.Combine(services.State.Path, "locks"), Hear);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Looks at a machine again before long.</summary>
    public void Hear(string id)
    {
        lock (_lock)
        {
            if (!_isClosed && _heard.Add(id) && _heard.Count == 1 && !_isLost)
                _arrived.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _watch.Dispose();
        lock (_lock)
            _isClosed = true;
        await _closing.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _closing.Dispose();
        _arrived.Dispose();
    }

    private void Hear(DirectoryChange change)
    {
        if (change.Name is not { } file)
        {
            lock (_lock)
            {
                if (!_isClosed && !_isLost && _heard.Count == 0)
                    _arrived.Release();
                _isLost = true;
            }

            return;
        }

        bool isWatch = file.EndsWith(WatchSuffix, StringComparison.Ordinal);
        string id = isWatch ? file[..^WatchSuffix.Length] : file;
        // To close a lock says nothing: whoever asked for it in vain does that too. To close a watch is the end of the one who watched.
        if (MachineIds.IsValid(id) && (isWatch || !change.IsClose))
            Hear(id);
    }

    private async Task RunAsync()
    {
        try
        {
            // Those that were being changed when they were looked at.
            List<string> held = [];
            var arrived = _arrived.WaitAsync(_closing.Token);
            while (true)
            {
                await (held.Count == 0 ? arrived : Task.WhenAny(arrived, Task.Delay(s_again, _services.Time, _closing.Token))).ConfigureAwait(false);
                await Task.Delay(s_burst, _services.Time, _closing.Token).ConfigureAwait(false);
                if (arrived.IsCompleted)
                {
                    held = [.. held.Union(Take())];
                    arrived = _arrived.WaitAsync(_closing.Token);
                }

                var looked = held;
                held = [];
                foreach (string id in looked)
                {
                    if (!await TryLookAsync(id).ConfigureAwait(false))
                        held.Add(id);
                }
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // The backend is disposed.
        }
    }

    private List<string> Take()
    {
        bool isLost;
        List<string> heard;
        lock (_lock)
        {
            heard = [.. _heard];
            isLost = _isLost;
            _heard.Clear();
            _isLost = false;
        }

        if (!isLost)
            return heard;
        Gap("The system dropped notes about the state directory: there were more than its queue holds (fs.inotify.max_queued_events). Every machine is looked at again.");
        return [.. _table.Ids().Concat(_table.News.Ids()).Where(MachineIds.IsValid).Distinct()];
    }

    private async Task<bool> TryLookAsync(string id)
    {
        try
        {
            return await _table.TryLookAgainAsync(id, _closing.Token).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            Gap($"What became of '{id}' cannot be said: {error.Message}");
            return true;
        }
    }

    private void Gap(string reason) => _services.Events.Publish((at, position) => new EventGap { At = at, Position = position, Reason = reason });
}
