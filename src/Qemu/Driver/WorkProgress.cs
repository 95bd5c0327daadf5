namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>Where work says how far it is, and hears that it should end.</summary>
internal sealed class WorkProgress : IProgress<double>, IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancelled = new();
    private bool _isDisposed;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether the work can be ended before it has finished.</summary>
    public bool CanCancel { get; init; }

    public double? Fraction { get; private set; }

    public string? Stage { get; private set; }

    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Asked to end.</summary>
    public CancellationToken Cancelled => _cancelled.Token;

    public void Say(string stage, double? fraction = null)
    {
        Stage = stage;
        Fraction = fraction;
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public void Report(double value) => Say(Stage ?? "", value);

    public bool TryCancel()
    {
        lock (_lock)
        {
            if (!CanCancel || _isDisposed)
                return false;
            _cancelled.Cancel();
            return true;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _cancelled.Dispose();
        }
    }
}
