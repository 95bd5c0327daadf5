using System.Collections.Concurrent;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Those whose request has become a job and who wait for what the API says to it.</summary>
internal sealed class WaitingCallers
{
    private readonly ConcurrentDictionary<RequestId, TaskCompletionSource<ApiAnswer>> _waiting = [];

    /// <summary>Waits from now on; before the job is made.</summary>
    public Task<ApiAnswer> Expect(RequestId key) => _waiting.GetOrAdd(key, _ => new TaskCompletionSource<ApiAnswer>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Forget(RequestId key) => _waiting.TryRemove(key, out _);

    /// <summary>Tells who waits; nobody does after a restart.</summary>
    public void Answer(RequestId key, ApiAnswer answer)
    {
        if (_waiting.TryGetValue(key, out var caller))
            caller.TrySetResult(answer);
    }
}
