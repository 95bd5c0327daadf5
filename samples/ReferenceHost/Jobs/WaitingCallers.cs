namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Those whose request has become a job and who wait for what the API says to it: several, where one sends his request again.</summary>
internal sealed class WaitingCallers
{
    private readonly Lock _gate = new();
    private readonly Dictionary<RequestId, (TaskCompletionSource<ApiAnswer> Answer, int Callers)> _waiting = [];

    /// <summary>Waits from now on, until <see cref="Forget"/>; before the job is made.</summary>
    public Task<ApiAnswer> Expect(RequestId key)
    {
        lock (_gate)
        {
            var there = _waiting.GetValueOrDefault(key);
            var answer = there.Answer ?? new TaskCompletionSource<ApiAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting[key] = (answer, there.Callers + 1);
            return answer.Task;
        }
    }

    public void Forget(RequestId key)
    {
        lock (_gate)
        {
            var (answer, callers) = _waiting[key];
            if (callers == 1)
                _waiting.Remove(key);
            else
                _waiting[key] = (answer, callers - 1);
        }
    }

    /// <summary>Tells who waits; nobody does after a restart.</summary>
    public void Answer(RequestId key, ApiAnswer answer)
    {
        lock (_gate)
        {
            if (_waiting.TryGetValue(key, out var there))
                there.Answer.TrySetResult(answer);
        }
    }
}
