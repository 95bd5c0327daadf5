namespace Hypervisor.Sdk.Jobs;

/// <summary>What became of an effect that was sent, or about to be, when a worker stopped.</summary>
/// <typeparam name="T">The result of the step.</typeparam>
public sealed class StepLookup<T>
{
    private StepLookup(bool? happened, bool isNewRequest, T? result)
    {
        Happened = happened;
        IsNewRequest = isNewRequest;
        Result = result;
    }

    /// <summary>It did not happen: it is sent, with the same request id.</summary>
    public static StepLookup<T> NotHappened { get; } = new(false, false, default);

    /// <summary>It was tried and refused, or undone: it is sent again under a new request id, so that it is not answered from memory.</summary>
    public static StepLookup<T> Refused { get; } = new(false, true, default);

    /// <summary>Nobody can tell now: it is not repeated, the attempt ends and the job is tried again later.</summary>
    public static StepLookup<T> Unknown { get; } = new(null, false, default);

    /// <summary>It was begun and has not ended: it is sent again with the same request id, by which the backend recognises it and joins it to what runs.</summary>
    public static StepLookup<T> Running { get; } = new(false, false, default);

    /// <summary>It happened, with this result.</summary>
    public static StepLookup<T> Done(T result) => new(true, false, result);

    internal bool? Happened { get; }

    internal bool IsNewRequest { get; }

    internal T? Result { get; }
}
