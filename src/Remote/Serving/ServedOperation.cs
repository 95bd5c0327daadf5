namespace Hypervisor.Sdk.Remote.Serving;

/// <summary>Work that was begun for the other end.</summary>
internal sealed class ServedOperation(Operation operation)
{
    private readonly TaskCompletionSource _awaited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Operation Operation => operation;

    /// <summary>Completes when somebody waits for its end.</summary>
    public Task Awaited => _awaited.Task;

    /// <summary>Somebody waits for its end.</summary>
    public void Await() => _awaited.TrySetResult();
}
