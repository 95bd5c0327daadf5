namespace Hypervisor.Sdk.Drivers;

/// <summary>Where work says how far it is, and hears that it should end.</summary>
public sealed class WorkProgress : IProgress<double>, IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancelled = new();
    private bool _isDisposed;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether the work can be ended before it has finished. Default false.</summary>
    public bool CanCancel { get; init; }

    /// <summary>The share that is done, 0 to 1; null while nothing was said.</summary>
    public double? Fraction { get; private set; }

    /// <summary>What it is doing, for a person; null while nothing was said.</summary>
    public string? Stage { get; private set; }

    /// <summary>Completes when something is said next.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Asked to end.</summary>
    public CancellationToken Cancelled => _cancelled.Token;

    /// <summary>Says what is being done.</summary>
    /// <param name="stage">For a person.</param>
    /// <param name="fraction">The share that is done, 0 to 1; null when it is not known.</param>
    public void Say(string stage, double? fraction = null)
    {
        Stage = stage;
        Fraction = fraction;
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    /// <summary>Says how far it is.</summary>
    public void Report(double value) => Say(Stage ?? "", value);

    /// <summary>Asks the work to end.</summary>
    /// <returns>False when it cannot, or has ended.</returns>
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

    /// <summary>The work has ended.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _cancelled.Dispose();
        }
    }
}
